import { iso } from "./clock.ts";
import type { Agent, CronJob, Lane } from "./config/index.ts";
import { RequestError } from "./errors.ts";
import type { Expected } from "./latency.ts";
import { batchLifeSeconds, realtimeCallSeconds } from "./limits.ts";
import { batchPriceMultiplier } from "./prices.ts";
import { realtimeQueue } from "./queue-message.ts";
import { type Mode, type OnDeadline, runPrefix, type Session } from "./session.ts";

/** Why a session went real-time that was to be batched. */
export const deadlineWhy = "realtime, because its deadline is near";

export const unavailableWhy = "realtime, because its key cannot batch and onBatchUnavailable says so";

/** Where a setting was found, the nearest first: the words of `why`. */
type From = "request" | "cron job" | "agent" | "defaults" | "default" | "zeroDataRetention";

export interface Routing {
  mode: Mode;
  lane: string;
  onDeadline: OnDeadline;
  why: string;
  zeroDataRetention: boolean;
}

export interface Asked {
  mode?: Mode;
  lane?: string;
  onDeadline?: OnDeadline;
}

/**
 * Routing of one session: request, cron job, agent, defaults; the nearest wins. An agent with zero data retention is
 * never batched, since batch data is kept up to 29 days: asking for it is an error, inheriting it becomes real-time.
 * @throws RequestError 400 naming `routing` or `lane`
 */
export function resolveRouting(asked: Asked, job: CronJob | undefined, agent: Agent, lanes: readonly Lane[]): Routing {
  const { mode, from } = resolveMode(asked, job, agent);
  const laneId = asked.lane ?? job?.lane ?? agent.lane.id;
  const lane = lanes.find(({ id }) => id === laneId);
  if (lane === undefined) {
    const known = lanes.map(({ id }) => id).join(", ");
    throw new RequestError(400, `unknown lane "${laneId}" (known: ${known})`, { param: "lane" });
  }
  return {
    mode,
    lane: lane.id,
    onDeadline: asked.onDeadline ?? job?.onDeadline ?? agent.onDeadline ?? lane.onDeadline,
    why: explain(mode, from),
    zeroDataRetention: mode === "realtime" && agent.zeroDataRetention,
  };
}

/** One turn at the full price, for a session that was to be batched. */
export function takenRealtime({ why }: Session, because: string) {
  return { mode: "realtime", why: because, ownWhy: why } as const;
}

/** What made a turn real-time ended with it: the next goes by the session's own routing again. */
export function ownRouting({ mode, why, ownWhy }: Session): Pick<Session, "mode" | "why"> & { ownWhy: undefined } {
  return ownWhy === undefined ? { mode, why, ownWhy } : { mode: "batch", why: ownWhy, ownWhy: undefined };
}

/**
 * Where a follow-up goes: where it asks to, else where the message before it was to go, whatever became of that.
 * @throws RequestError 400 naming `routing`
 */
export function followUpRouting(
  asked: Mode | undefined,
  session: Session,
  agent: Agent | undefined,
): Pick<Routing, "mode" | "why" | "zeroDataRetention"> & { ownWhy: undefined } {
  const isRetained = agent?.zeroDataRetention ?? session.zeroDataRetention;
  const { ownWhy, ...own } = ownRouting(session);
  const mode = asked ?? own.mode;
  if (mode === "batch" && isRetained) {
    if (asked !== undefined) throw retentionError(session.agentId);
    return { mode: "realtime", why: explain("realtime", "zeroDataRetention"), ownWhy, zeroDataRetention: true };
  }
  const why = asked === undefined ? own.why : explain(asked, "request");
  return { mode, why, ownWhy, zeroDataRetention: mode === "realtime" && isRetained };
}

function retentionError(agentId: string): RequestError {
  const message = `agent "${agentId}" has zeroDataRetention, and batches keep their data up to 29 days`;
  return new RequestError(400, message, { param: "routing" });
}

function resolveMode(asked: Asked, job: CronJob | undefined, agent: Agent): { mode: Mode; from: From } {
  const nearest: { mode: Mode; from: From } =
    asked.mode !== undefined
      ? { mode: asked.mode, from: "request" }
      : job?.routing !== undefined
        ? { mode: job.routing, from: "cron job" }
        : agent.routing;
  if (!agent.zeroDataRetention || nearest.mode === "realtime") return nearest;
  if (nearest.from === "request" || nearest.from === "cron job") throw retentionError(agent.id);
  return { mode: "realtime", from: "zeroDataRetention" };
}

function explain(mode: Mode, from: From): string {
  if (from === "zeroDataRetention")
    return "realtime, because the agent has zeroDataRetention and batches keep their data";
  if (from === "default") return `${mode}, the default`;
  return `${mode}, set by the ${from}`;
}

/** Where a lane has no history yet: most batches end within the hour (Anthropic), single real-time answers take seconds. */
const typicalSeconds = { batch: 3600, realtime: 30 } as const;

/**
 * The trade that was made, as the caller reads it. Times in seconds and ISO 8601.
 * @param expected what the lane did of late, where enough is known
 */
export function describeRouting(session: Session, expected: ReadonlyMap<string, Expected> = new Map()) {
  const { lane, zeroDataRetention, onDeadline, createdAt, askedAt = createdAt, deadlineAt, notBefore } = session;
  const { mode, why } = currentMode(session);
  const heldMs = Math.max(0, notBefore - askedAt);
  const longest = mode === "batch" ? batchLifeSeconds : realtimeCallSeconds;
  const bound = onDeadline === "wait" ? undefined : deadlineAt;
  const latestAt = Math.min(askedAt + heldMs + longest * 1000, bound ?? Number.POSITIVE_INFINITY);
  return {
    mode,
    lane,
    why: session.status === "queued" && heldMs > 0 ? `${why}; waits until ${iso(notBefore)}` : why,
    expectedCompletion: {
      ...expectedSeconds(mode, expected.get(mode === "batch" ? lane : realtimeQueue), Math.ceil(heldMs / 1000)),
      latestAt: iso(latestAt),
    },
    priceMultiplier: mode === "batch" ? batchPriceMultiplier : 1,
    zeroDataRetention,
    onDeadline,
  };
}

function expectedSeconds(mode: Mode, expected: Expected | undefined, heldSeconds: number) {
  if (expected === undefined) return { typicalSeconds: typicalSeconds[mode] + heldSeconds };
  const { typicalSeconds: typical, slowSeconds, basedOn } = expected;
  return { typicalSeconds: typical + heldSeconds, slowSeconds: slowSeconds + heldSeconds, basedOn };
}

/** A fallback out of a batch is real-time while it runs, and for good once its answer counts. */
function currentMode({ mode, why, status, fellBack, winner }: Session): { mode: Mode; why: string } {
  const isFallback = fellBack === true && (status === "running" || winner?.startsWith(runPrefix) === true);
  return isFallback ? { mode: "realtime", why: deadlineWhy } : { mode, why };
}
