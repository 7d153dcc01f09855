import type { SpawnRequest } from "../../functions/domain/spawn-request.ts";
import type { Fault as ApiFault } from "../../infra/local/anthropic/faults.ts";
import { type ClauseName, sessionClauses } from "./mutation.ts";

/** Without a message the session is canceled, within so many seconds; with one it is followed up, once its turn has ended. */
export interface Later {
  task: number;
  within?: number;
  message?: string;
  mode?: "batch" | "realtime";
}

export interface Scenario {
  name: string;
  tasks: readonly SpawnRequest[];
  /** What callers do with a task once it was accepted. */
  later?: readonly Later[];
  /** What the API does wrong besides, by its own account. */
  apiFaults?: readonly ApiFault[];
  /** Undefined: leases are left out in three of ten seeds, so that every overlap happens. */
  withLeases?: boolean;
  /** A lane that is taken out of the configuration while it has work. */
  removedLane?: string;
  /** Tasks whose requests break the code that reads them, until somebody mends the code. */
  poison?: readonly number[];
  /** From midnight; at midnight unless given. */
  startsAfterSeconds?: number;
  /** How long calls may be slow; 45 minutes unless given. */
  slowForSeconds?: number;
  /** The conditions whose writes wait for their worst moment; all of them, in turn, unless given. */
  holds?: readonly ClauseName[];
  /** Batches of others in the workspace. */
  strangers?: number;
  /** A batch that surfaces only after its manifest was given up is the one thing that is paid twice. */
  mayPayTwice?: boolean;
  /** The highest probability with which an effect is struck. */
  faultRate?: number;
}

const batched = (task: string): SpawnRequest => ({ task, agentId: "worker" });
const many = (count: number, task = "Go on.") =>
  Array.from({ length: count }, (_, index) => batched(`${task} ${index}`));

const hurried = (task: string, timeoutSeconds: number): SpawnRequest => ({
  ...batched(task),
  timeoutSeconds,
  onDeadline: "fallback",
});

/** Small worlds, each around one thing that can go wrong. */
export const scenarios: readonly Scenario[] = [
  { name: "one session", tasks: many(1) },
  { name: "three in one batch", tasks: many(3) },
  {
    name: "two manifests of equal count, both unknown",
    tasks: many(6),
    apiFaults: [{ kind: "lost_response", on: "create", times: 2 }],
  },
  {
    name: "one refused after the fact, one before it",
    tasks: many(6),
    apiFaults: [
      { kind: "server_error", on: "create", times: 1, afterCommit: true },
      { kind: "server_error", on: "create", times: 1 },
    ],
  },
  {
    name: "fallback racing a late result",
    tasks: [
      { ...batched("[[stand-in: slow 240]] Hurry."), timeoutSeconds: 300, onDeadline: "fallback" },
      { ...batched("Hurry as well."), timeoutSeconds: 400, onDeadline: "fallback" },
    ],
  },
  {
    name: "deadline racing settle",
    tasks: [
      { ...batched("Too late?"), timeoutSeconds: 240, onDeadline: "fail" },
      { ...batched("In time."), timeoutSeconds: 900, onDeadline: "fail" },
    ],
  },
  {
    name: "park and probe",
    tasks: many(4),
    apiFaults: [
      { kind: "rate_limited", on: "create", times: 1, retryAfterSeconds: 400 },
      { kind: "credit", on: "create", times: 2 },
    ],
  },
  {
    name: "no credit in the results, until there is some",
    tasks: many(5, "[[stand-in: credit times 1]] When there is money."),
    apiFaults: [{ kind: "rate_limited", on: "create", times: 3, retryAfterSeconds: 60, probability: 0.5 }],
    holds: ["put STATE: untilResult"],
  },
  {
    name: "a lane that cannot batch, and goes real-time meanwhile",
    tasks: [
      ...Array.from({ length: 3 }, (_, index) => ({ ...batched(`Either way. ${index}`), lane: "either" })),
      ...many(1),
    ],
    later: [{ task: 0, message: "And then?" }],
    apiFaults: [{ kind: "not_found", on: "create", times: 3 }],
  },
  {
    name: "real time refused, until it is not",
    tasks: Array.from({ length: 4 }, (_, index) => ({ task: `Now. ${index}`, agentId: "live" })),
    apiFaults: [
      { kind: "unauthorized", on: "message", times: 2 },
      { kind: "spend_limit", on: "message", times: 1 },
    ],
  },
  {
    name: "a content refusal splits down to the one, while some are taken back",
    tasks: many(3),
    later: [
      { task: 0, within: 120 },
      { task: 2, within: 120 },
    ],
    holds: ["split session: status", "leaveBatch session: status"],
    apiFaults: [{ kind: "bad_request", on: "create", times: 2, index: 0 }],
  },
  {
    name: "a content refusal, by a batcher that stalls",
    tasks: many(3, "[[stand-in: slow 600]] Go on."),
    holds: ["split session: manifestId"],
    withLeases: false,
    apiFaults: [{ kind: "bad_request", on: "create", times: 1, index: 0 }],
  },
  {
    name: "result file cut, garbled and missing",
    tasks: many(3),
    holds: ["remove UNSUMMED: mark"],
    apiFaults: [
      { kind: "truncated_at_line", on: "results", times: 1 },
      { kind: "garbled_line", on: "results", times: 1 },
      { kind: "not_found", on: "results", times: 2 },
      { kind: "reset_mid_stream", on: "results", times: 1 },
      { kind: "foreign_line", on: "results", times: 1 },
    ],
  },
  {
    name: "errors that are tried again, and one that is not",
    tasks: [
      batched("[[stand-in: errored overloaded_error times 2]] Again."),
      batched("[[stand-in: expired times 1]] And again."),
      batched("[[stand-in: errored invalid_request_error]] Never."),
      batched("[[stand-in: refusal]] No."),
      batched("[[stand-in: credit times 1]] When there is money."),
    ],
  },
  { name: "a turn that pauses", tasks: [batched("[[stand-in: pause_turn 2]] Search."), batched("Beside it.")] },
  {
    name: "real time, with answers lost",
    tasks: [
      { task: "Now.", agentId: "live" },
      { task: "Now as well.", agentId: "live" },
    ],
    apiFaults: [
      { kind: "lost_response", on: "message", times: 1 },
      { kind: "rate_limited", on: "message", times: 1 },
      { kind: "overloaded", on: "message", times: 1 },
    ],
  },
  {
    name: "real-time calls that outlive their lease",
    tasks: [
      { task: "Now.", agentId: "live" },
      { ...batched("[[stand-in: slow 900]] Soon."), timeoutSeconds: 240, onDeadline: "fallback" },
      { ...batched("[[stand-in: errored api_error times 1]] Soon."), timeoutSeconds: 240, onDeadline: "fallback" },
    ],
    apiFaults: [{ kind: "lost_response", on: "message", probability: 0.5, times: 3 }],
    holds: ["leaveRun session: run", "leaveRun session: status", "finish session: turn"],
  },
  {
    name: "a fallback's answer racing a pause of the batch",
    holds: [
      "nextTurn session: status",
      "nextTurn session: turn",
      "finish session: status",
      "lookAgain session: status",
    ],
    tasks: Array.from({ length: 3 }, (_, index) => ({
      ...batched(
        `[[stand-in: slow 200]] [[stand-in: ${index === 2 ? "pause_turn" : "pause_in_batch"} 2]] Search. ${index}`,
      ),
      timeoutSeconds: 600 + index * 200,
      onDeadline: "fallback" as const,
    })),
  },
  {
    name: "a batch that surfaces after its manifest was given up",
    tasks: many(3),
    apiFaults: [
      { kind: "lost_response", on: "create", times: 1 },
      { kind: "list_missing", on: "list", times: 18, index: 0 },
    ],
    mayPayTwice: true,
  },
  {
    name: "among batches of others, of the same size",
    tasks: many(4),
    strangers: 4,
    apiFaults: [{ kind: "lost_response", on: "create", times: 2 }],
  },
  {
    name: "fallback with a pause, and with an error in the batch",
    tasks: [
      {
        ...batched("[[stand-in: slow 200]] [[stand-in: pause_turn 1]] Search."),
        timeoutSeconds: 320,
        onDeadline: "fallback",
      },
      {
        ...batched("[[stand-in: errored invalid_request_error times 1]] Once."),
        timeoutSeconds: 300,
        onDeadline: "fallback",
      },
      { ...batched("[[stand-in: errored api_error times 1]] Once."), timeoutSeconds: 300, onDeadline: "fallback" },
    ],
    apiFaults: [{ kind: "lost_response", on: "message", probability: 0.3, times: 2 }],
  },
  {
    name: "fallback out of a lane that is full",
    tasks: Array.from({ length: 4 }, (_, index) => ({
      ...batched(`[[stand-in: slow 200]] One of many. ${index}`),
      lane: "narrow",
      timeoutSeconds: 300 + index * 60,
      onDeadline: "fallback" as const,
    })),
  },
  {
    name: "a lane that is removed while it has work",
    tasks: Array.from({ length: 4 }, (_, index) => ({
      ...batched(`[[stand-in: slow 60]] Wait. ${index}`),
      lane: "narrow",
    })),
    removedLane: "narrow",
  },
  {
    name: "cancel racing claim, settle and a fallback",
    tasks: [
      ...many(2),
      hurried("[[stand-in: slow 150]] Hurry.", 260),
      { task: "Now.", agentId: "live" },
      { ...batched("In time?"), timeoutSeconds: 200, onDeadline: "fail" },
    ],
    later: [0, 1, 2, 3, 4, 0].map((task) => ({ task, within: 280 })),
  },
  {
    name: "one that goes ahead, and those that wait for it",
    tasks: Array.from({ length: 5 }, (_, index) => ({ task: `Watch. ${index}`, agentId: "watch" })),
    apiFaults: [{ kind: "lost_response", on: "create", probability: 0.3, times: 1 }],
  },
  {
    name: "one that goes ahead and fails, expires, or is taken back",
    tasks: [
      { task: "[[stand-in: errored api_error times 1]] Watch.", agentId: "watch" },
      { task: "[[stand-in: expired times 1]] Watch.", agentId: "watch" },
      { task: "[[stand-in: slow 2400]] Watch.", agentId: "watch" },
      { task: "Watch.", agentId: "watch" },
      { task: "Watch in time.", agentId: "watch", timeoutSeconds: 900, onDeadline: "fallback" },
    ],
    later: [{ task: 3, within: 900 }],
    apiFaults: [{ kind: "rate_limited", on: "create", probability: 0.3, times: 1 }],
  },
  {
    name: "a batch that everybody leaves",
    tasks: many(3, "[[stand-in: slow 900]] Never mind."),
    later: [0, 1, 2].map((task) => ({ task, within: 200 })),
  },
  {
    name: "follow-up racing delivery",
    holds: ["undelivered session: turn", "delivered session: turn", "start session: mode", "followUp session: turn"],
    tasks: [...many(2), { task: "Now.", agentId: "live" }],
    later: [
      { task: 0, message: "And then?" },
      { task: 0, message: "What else?" },
      { task: 1, message: "Quick.", mode: "realtime" },
      { task: 2, message: "No hurry.", mode: "batch" },
    ],
  },
  {
    name: "follow-up racing a late result",
    tasks: [
      hurried("[[stand-in: slow 200]] Hurry.", 260),
      { ...batched("[[stand-in: slow 60]] In time?"), timeoutSeconds: 200, onDeadline: "fail" },
      batched("[[stand-in: slow 100]] Or not."),
    ],
    later: [
      { task: 0, message: "[[stand-in: slow 30]] And then?" },
      { task: 1, message: "Again." },
      { task: 2, within: 200 },
      { task: 2, message: "After all." },
    ],
    holds: ["timeOut session: turn", "cancel session: turn", "claim session: turn", "finish session: turn"],
  },
  {
    name: "follow-up racing a fallback of the turn before",
    tasks: [
      hurried("[[stand-in: slow 700]] Hurry.", 900),
      { ...hurried("[[stand-in: slow 700]] Hurry.", 900), lane: "narrow" },
      { ...hurried("[[stand-in: slow 90]] Hurry.", 950), lane: "narrow" },
    ],
    later: [0, 1, 2].map((task) => ({ task, message: "[[stand-in: slow 60]] And then?", mode: "batch" as const })),
    holds: ["fallBack session: manifestId", "goRealtime session: turn"],
  },
  {
    name: "a session that breaks the batcher, and is taken back or asked again",
    tasks: many(4),
    later: [
      { task: 0, within: 5400 },
      { task: 0, message: "And now?" },
      { task: 1, within: 5400 },
      { task: 1, message: "And you?" },
    ],
    poison: [0, 1],
    slowForSeconds: 7200,
    holds: ["failQueued session: status", "failQueued session: turn", "visit session: turn", "stumble session: turn"],
  },
  {
    name: "budgets with little room before midnight",
    startsAfterSeconds: 23 * 3600 + 50 * 60,
    tasks: [
      ...Array.from({ length: 5 }, (_, index) => ({ ...batched(`Cheap. ${index}`), agentId: "thrifty" })),
      { ...hurried("[[stand-in: slow 200]] Dear.", 300), agentId: "thrifty" },
      { task: "[[stand-in: pause_turn 1]] Search.", agentId: "thrifty" },
      { task: "Now.", agentId: "thrifty", mode: "realtime" },
      ...Array.from({ length: 4 }, (_, index) => ({ ...batched(`Once. ${index}`), agentId: "strict" })),
      ...Array.from({ length: 2 }, (_, index) => ({ ...batched(`Or tomorrow. ${index}`), agentId: "patient" })),
    ],
    later: [
      { task: 0, within: 600 },
      { task: 1, message: "And then?" },
      ...[8, 10].map((task) => ({ task, message: "Once more." })),
      { task: 9, within: 300 },
    ],
    holds: sessionClauses.map((clause, no) => (no % 4 === 0 ? "update RESERVED: reserved" : clause)),
  },
  {
    name: "everything at once",
    tasks: [
      ...many(8),
      { task: "Now.", agentId: "live" },
      { ...batched("Soon."), timeoutSeconds: 600, onDeadline: "fallback" },
      batched("[[stand-in: pause_turn 1]] Search."),
    ],
    apiFaults: [
      { kind: "lost_response", on: "create", probability: 0.2, times: 3 },
      { kind: "truncated_at_line", on: "results", probability: 0.2, times: 3 },
      { kind: "not_found", on: "results", probability: 0.2, times: 3 },
      { kind: "overloaded", on: "create", probability: 0.1, times: 2 },
    ],
  },
];
