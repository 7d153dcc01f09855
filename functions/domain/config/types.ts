import type { PriceTable } from "../prices.ts";
import type { Priming } from "../priming.ts";
import type { Mode, OnDeadline } from "../session.ts";

/** An event for each turn that ended, or one for many. */
export type Delivery = "each" | "digest";
export type CacheRetention = "none" | "short" | "long";
/** `auto` becomes one of the others when a request is accepted. */
export type CacheSetting = CacheRetention | "auto";

/** What an agent or a lane may spend, by what a task may cost at most. */
export interface Budget {
  /** Days are those of UTC. */
  usdPerDay?: number;
  usdPerTask?: number;
  /** Refuse the task, let it wait for a day with room, or only say so. */
  onExceeded: "reject" | "hold" | "warn";
}

/** Blocks of the Messages API's `system`. */
export type SystemBlock = { type: "text"; text: string } & Record<string, unknown>;

/** An agent with its defaults merged in: nothing after the parser looks at the file again. */
export interface Agent {
  id: string;
  name?: string;
  system?: string | readonly SystemBlock[];
  model: string;
  maxTokens: number;
  /** The mode it has unless a job or a request says otherwise, and where that comes from. */
  routing: { mode: Mode; from: "agent" | "defaults" | "default" | "zeroDataRetention" };
  cacheRetention: CacheSetting;
  zeroDataRetention: boolean;
  lane: { id: string; from: "agent" | "defaults" | "default" };
  onDeadline?: OnDeadline;
  delivery: Delivery;
  budget?: Budget;
  /** Parameters of the Messages API, by the API's own names; see `parameters.ts` for which. */
  params: Readonly<Record<string, unknown>>;
  /** Sent as the `anthropic-beta` header. */
  betas: string[];
}

export type Schedule =
  /** Five fields, as people write them in a crontab. */
  | { kind: "cron"; expr: string; tz: string }
  /** On a fixed grid from the epoch; whole minutes. */
  | { kind: "every"; seconds: number };

export interface CronJob {
  id: string;
  name?: string;
  agentId: string;
  schedule: Schedule;
  message: string;
  model?: string;
  /** At least 1; a job that writes 0 has none. */
  timeoutSeconds?: number;
  routing?: Mode;
  lane?: string;
  onDeadline?: OnDeadline;
  cacheRetention?: CacheSetting;
}

/** Minutes since midnight, `from` included and `to` not; `from` is the larger where the hours span midnight. */
export interface Hours {
  from: number;
  to: number;
  /** As it was written: `22:00-06:00`. */
  text: string;
}

export interface Lane {
  id: string;
  /** The higher goes first. */
  priority: number;
  /** Open all day without it. */
  hours?: Hours;
  /** IANA time zone of `hours`. */
  tz: string;
  maxInFlightRequests: number;
  maxBatchRequests: number;
  maxBatchBytes: number;
  /** Batches are formed at most this often, so that more requests share one; never more often than the batcher comes by. */
  flushEverySeconds: number;
  /** The deadline of sessions that bring none. */
  deadlineSeconds?: number;
  onDeadline: OnDeadline;
  /** What to do while the credential cannot batch at all: wait, or pay the full price. */
  onBatchUnavailable: "hold" | "realtime";
  /** Whether one of several requests with the same prefix goes ahead, so that the others read what it wrote to the cache. */
  priming: Priming;
  workspaceId?: string;
  /** Name of the secret with the API key of this lane; the deployment's own key without it. */
  apiKeySecret?: string;
  maxAttempts: number;
  budget?: Budget;
}

/** How Anthropic knows the functions without a key: by its own names, as its console shows them. */
export interface Federation {
  organizationId: string;
  federationRuleId: string;
  serviceAccountId?: string;
  /** Needed where the rule is good for several; a lane's own comes first. */
  workspaceId?: string;
}

export interface Config {
  agents: Agent[];
  jobs: CronJob[];
  lanes: Lane[];
  realtime: RealtimeLimits;
  federation?: Federation;
  /** What Anthropic publishes, as far as the file does not say otherwise. */
  prices: PriceTable;
  /** How long a session takes messages; it is kept for a month beyond that. */
  retentionDays: number;
}

export interface RealtimeLimits {
  /** Real-time calls under way at once, over all lanes. */
  maxConcurrency: number;
}
