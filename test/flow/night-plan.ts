import type { Json } from "./support.ts";

/** How long the stand-in takes over a batch, in seconds; `slow` in a task adds to it. */
export const batchSeconds = { min: 0.3, max: 1.5 };
/** A fallback goes real-time two minutes before its deadline: two seconds after its acceptance. */
const fallbackTimeoutSeconds = 122;
export const slowSeconds = 3;
/** One that was interrupted, one in its place, and one for a second try or a pause: each takes its time. */
const batchesOfOne = 3;
/** From `ready` on: 30 seconds, and what the batches themselves take. */
export const recoveryBoundSeconds = 30 + batchesOfOne * batchSeconds.max;
/** New work comes in over so long after a start; a run is killed after so long at the latest, or when all is well. */
export const loadMs = 2_000;
export const longestRunMs = 6_000;
export const faultsPerStart = 3;
export const slowMs = 20_000;

export const environment = {
  OFFPEAK_TICK_SECONDS: "1",
  OFFPEAK_RECONCILE_GRACE_SECONDS: "3",
  OFFPEAK_CREATE_TIMEOUT_SECONDS: "5",
  OFFPEAK_RETRY_SECONDS: "1",
  OFFPEAK_PARK_SECONDS: "1",
  OFFPEAK_STAND_IN_BATCH_SECONDS: `${batchSeconds.min}-${batchSeconds.max}`,
};

export const config = {
  agents: {
    list: [
      { id: "worker", cacheRetention: "none" },
      { id: "live", routing: "realtime", cacheRetention: "none" },
    ],
  },
  lanes: [
    { id: "default" },
    { id: "bulk", maxBatchRequests: 5, flushEverySeconds: 1 },
    { id: "urgent", priority: 50 },
    { id: "slow" },
  ],
};

/** Each strikes one call after a start. */
export const faults = [
  { kind: "lost_response", on: "create" },
  { kind: "lost_response", on: "create", afterCommit: false },
  { kind: "server_error", on: "create", afterCommit: true },
  { kind: "hang", on: "create", afterCommit: true },
  { kind: "rate_limited", on: "create" },
  { kind: "overloaded", on: "create" },
  { kind: "truncated_at_line", on: "results" },
  { kind: "truncated_mid_line", on: "results" },
  { kind: "reset_mid_stream", on: "results" },
  { kind: "garbled_line", on: "results" },
  { kind: "missing_line", on: "results" },
  { kind: "duplicate_line", on: "results" },
  { kind: "not_found", on: "results" },
  { kind: "server_error", on: "list" },
  { kind: "overloaded", on: "message" },
];

export interface Kind {
  name: string;
  body: Json;
  status?: string;
}

export const kinds: readonly Kind[] = [
  { name: "default", body: { agentId: "worker" } },
  { name: "bulk", body: { agentId: "worker", lane: "bulk" } },
  { name: "urgent", body: { agentId: "worker", lane: "urgent" } },
  { name: "realtime", body: { agentId: "live" } },
  { name: "pausing", body: { agentId: "worker", task: "[[stand-in: pause_turn 1]]" } },
  { name: "refused", body: { agentId: "worker", task: "[[stand-in: refusal]]" }, status: "failed" },
  { name: "erring", body: { agentId: "worker", task: "[[stand-in: errored api_error times 1]]" } },
  {
    name: "fallback",
    body: {
      agentId: "worker",
      lane: "slow",
      task: `[[stand-in: slow ${slowSeconds}]]`,
      timeoutSeconds: fallbackTimeoutSeconds,
      onDeadline: "fallback",
    },
  },
];
