import * as v from "valibot";
import { anthropicBatchBytes, anthropicBatchRequests, maxTimeoutSeconds } from "../limits.ts";
import { realtimeQueue } from "../queue-message.ts";
import { readBudget } from "./budget.ts";
import { integer, onDeadline, oneOf, text, timeZone } from "./fields.ts";
import { maxFlushSeconds, maxInFlightRequests, maxLaneAttempts, maxLanePriority, maxLanes } from "./limits.ts";
import { defined, type Path, type Report, readList, readObject, reportRepeatedIds } from "./reader.ts";
import type { Hours, Lane } from "./types.ts";

/**
 * What a lane is where `offpeak.json` does not say. Anthropic's lowest tier queues 200,000 requests: `default`, `bulk` and
 * one lane more stay within it together. A batch ends when its slowest request does, so `default` keeps batches small, and
 * the 32 MB need about 200 MB of memory to send (five times the body); `bulk` takes fuller ones, at most one a minute. Three attempts
 * outlast an hour of trouble at Anthropic. Nothing is ever sent at the full price unasked: `wait`, `hold`.
 */
const laneDefaults = {
  priority: 0,
  tz: "UTC",
  maxInFlightRequests: 50_000,
  maxBatchRequests: 1_000,
  maxBatchBytes: 32_000_000,
  flushEverySeconds: 1,
  onDeadline: "wait",
  onBatchUnavailable: "hold",
  priming: "auto",
  maxAttempts: 3,
} as const satisfies Omit<Lane, "id">;

/** The lanes that exist without being written; one that is written replaces the keys it names. */
export const builtInLanes: readonly Lane[] = [
  { id: "default", ...laneDefaults },
  {
    id: "bulk",
    ...laneDefaults,
    priority: -10,
    maxInFlightRequests: 100_000,
    maxBatchRequests: 10_000,
    maxBatchBytes: 128_000_000,
    flushEverySeconds: 60,
  },
];

const maxWord = 256;
const hoursForm = "must be two times of day such as 22:00-06:00";

const schema = v.object({
  id: v.optional(
    v.pipe(
      v.string("must be text"),
      v.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must match ^[a-z0-9][a-z0-9-]{0,39}$, since queues are named by it"),
      v.check((id) => id !== realtimeQueue, `must not be "${realtimeQueue}", the name of the queue of real-time work`),
    ),
  ),
  priority: v.optional(integer(-maxLanePriority, maxLanePriority)),
  hours: v.optional(
    v.pipe(
      v.string(hoursForm),
      v.check((hours) => parseHours(hours) !== undefined, hoursForm),
      v.check((hours) => !isNeverOpen(parseHours(hours)), "must not close at the minute at which it opens"),
    ),
  ),
  tz: v.optional(timeZone),
  maxInFlightRequests: v.optional(integer(1, maxInFlightRequests)),
  maxBatchRequests: v.optional(integer(1, anthropicBatchRequests)),
  maxBatchBytes: v.optional(integer(1, anthropicBatchBytes)),
  flushEverySeconds: v.optional(integer(1, maxFlushSeconds)),
  deadlineSeconds: v.optional(integer(1, maxTimeoutSeconds)),
  onDeadline: v.optional(onDeadline),
  onBatchUnavailable: v.optional(oneOf("hold", "realtime")),
  priming: v.optional(oneOf("off", "on", "auto")),
  workspaceId: v.optional(text(maxWord)),
  apiKeySecret: v.optional(text(maxWord)),
  maxAttempts: v.optional(integer(1, maxLaneAttempts)),
  budget: v.optional(v.unknown()),
});

/** Reads `lanes`, and adds those that exist without being written. The built-in ones come first. */
export function readLanes(value: unknown, report: Report): Lane[] {
  const path = ["lanes"];
  const items = readList(value, { path, report, maxItems: maxLanes });
  const written = items.map((item, index) => readLane(item, [...path, index], report));
  reportRepeatedIds(
    written.map(({ id }) => id),
    path,
    report,
  );
  const others = written.filter(({ id }) => !builtInLanes.some((lane) => lane.id === id));
  return [
    ...builtInLanes.map((lane) => ({ ...lane, ...written.find(({ id }) => id === lane.id) })),
    ...others.map((lane) => ({ id: "", ...laneDefaults, ...lane })),
  ];
}

function readLane(value: unknown, path: Path, report: Report): Partial<Lane> {
  const { hours, budget, ...rest } = readObject(schema, value, { path, report, required: ["id"] });
  return defined({
    ...rest,
    hours: hours === undefined ? undefined : parseHours(hours),
    budget: readBudget(budget, [...path, "budget"], report),
  });
}

function isNeverOpen(hours: Hours | undefined): boolean {
  return hours !== undefined && hours.from === hours.to;
}

/** `undefined` for what are no two times of day. `24:00` is the end of a day, never its beginning. */
function parseHours(text: string): Hours | undefined {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24(?=:00)):([0-5]\d)$/.exec(text) ?? [];
  if (toMinute === undefined) return undefined;
  return { from: Number(fromHour) * 60 + Number(fromMinute), to: Number(toHour) * 60 + Number(toMinute), text };
}
