import * as v from "valibot";
import { maxAgents, maxJobs, maxLanes, maxOutputTokens, maxTimeoutSeconds } from "./limits.ts";
import { cronProblem, everySeconds, isTimeZone } from "./schedule.ts";

/** The form of `offpeak.json`. What one key says about another is checked in `resolve.ts`. */

const idPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const id = v.pipe(v.string("must be a string"), v.regex(idPattern, `must match ${idPattern.source}`));
const laneId = v.pipe(
  v.string("must be a string"),
  v.regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "must match ^[a-z0-9][a-z0-9-]{0,39}$"),
  v.check((text) => text !== "realtime", "is taken: realtime is not a lane"),
);
const text = v.pipe(
  v.string("must be a string"),
  v.check((value) => value.trim() !== "", "must not be empty"),
);
const flag = v.boolean("must be true or false");
const integer = (least: number, most: number) => {
  const message = `must be an integer from ${least} to ${most}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
};
const oneOf = <const T extends readonly string[]>(...values: T) =>
  v.picklist(values, `must be ${values.map((value) => `"${value}"`).join(", ")}`);
const timeZone = v.pipe(v.string("must be a string"), v.check(isTimeZone, "is not a time zone, as Europe/Berlin"));
const mapping = v.pipe(
  v.record(v.string(), v.unknown(), "must be an object"),
  v.check((value) => !Array.isArray(value), "must be an object"),
);

const agentFields = {
  system: v.optional(v.union([text, v.array(mapping)], "must be a text or a list of text blocks")),
  systemFile: v.optional(text),
  model: v.optional(text),
  maxTokens: v.optional(integer(1, maxOutputTokens)),
  routing: v.optional(oneOf("batch", "realtime")),
  batch: v.optional(flag),
  cacheRetention: v.optional(oneOf("none", "short", "long")),
  zeroDataRetention: v.optional(flag),
  lane: v.optional(laneId),
  onDeadline: v.optional(oneOf("wait", "fallback", "fail")),
  betas: v.optional(v.array(text, "must be a list of strings")),
  params: v.optional(mapping),
  /** OpenClaw's; it has no meaning here. */
  workspace: v.optional(v.unknown()),
};
const defaultsSchema = v.strictObject(agentFields, "must be an object");
const agentSchema = v.strictObject({ id, name: v.optional(text), ...agentFields }, "must be an object");

const scheduleSchema = v.variant(
  "kind",
  [
    v.strictObject({
      kind: v.literal("cron"),
      expr: v.pipe(
        v.string("must be a string"),
        v.rawCheck(({ dataset, addIssue }) => {
          const problem = dataset.typed ? cronProblem(dataset.value) : undefined;
          if (problem !== undefined) addIssue({ message: problem });
        }),
      ),
      tz: v.optional(timeZone, "UTC"),
    }),
    v.strictObject({
      kind: v.literal("every"),
      expr: v.pipe(
        v.string("must be a string"),
        v.check((expr) => everySeconds(expr) !== undefined, "must be as 15m, 1h or 1d"),
      ),
    }),
  ],
  'must be "cron" or "every"',
);

const jobSchema = v.strictObject(
  {
    id,
    name: v.optional(text),
    enabled: v.optional(flag, true),
    schedule: scheduleSchema,
    agentId: id,
    lane: v.optional(laneId),
    onDeadline: v.optional(oneOf("wait", "fallback", "fail")),
    payload: v.strictObject(
      {
        kind: v.literal("agentTurn", 'must be "agentTurn"'),
        message: text,
        model: v.optional(text),
        timeoutSeconds: v.optional(integer(0, maxTimeoutSeconds)),
        batch: v.optional(v.union([flag, v.strictObject({ enabled: flag })], "must be true, false or {enabled}")),
        routing: v.optional(oneOf("batch", "realtime")),
      },
      "must be an object",
    ),
  },
  "must be an object",
);

const hoursPattern = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const laneSchema = v.strictObject(
  {
    id: laneId,
    priority: v.optional(integer(-100, 100)),
    hours: v.optional(
      v.pipe(
        v.string("must be a string"),
        v.regex(hoursPattern, "must be as 22:00-06:00"),
        v.check((hours) => hours.slice(0, 5) !== hours.slice(6), "must not begin and end at the same minute"),
        v.transform((hours) => ({ from: minutes(hours.slice(0, 5)), to: minutes(hours.slice(6)) })),
      ),
    ),
    tz: v.optional(timeZone),
    maxInFlightRequests: v.optional(integer(1, 10_000_000)),
    maxBatchRequests: v.optional(integer(1, 100_000)),
    maxBatchBytes: v.optional(integer(1_000, 250_000_000)),
    flushEverySeconds: v.optional(integer(1, 86_400)),
    deadlineSeconds: v.optional(integer(1, maxTimeoutSeconds)),
    onDeadline: v.optional(oneOf("wait", "fallback", "fail")),
    onBatchUnavailable: v.optional(oneOf("hold", "realtime")),
    workspaceId: v.optional(text),
    apiKeySecret: v.optional(text),
    maxAttempts: v.optional(integer(1, 20)),
  },
  "must be an object",
);

function minutes(text: string): number {
  const [hour = "0", minute = "0"] = text.split(":");
  return Number(hour) * 60 + Number(minute);
}

export const configSchema = v.strictObject(
  {
    agents: v.strictObject(
      {
        defaults: v.optional(defaultsSchema, {}),
        list: v.pipe(
          v.array(agentSchema, "must be a list"),
          v.minLength(1, "must have at least one agent"),
          v.maxLength(maxAgents, `must have at most ${maxAgents} agents`),
        ),
      },
      "must be an object",
    ),
    cron: v.optional(
      v.strictObject(
        {
          jobs: v.optional(
            v.pipe(v.array(jobSchema, "must be a list"), v.maxLength(maxJobs, `must have at most ${maxJobs} jobs`)),
            [],
          ),
        },
        "must be an object",
      ),
      { jobs: [] },
    ),
    lanes: v.optional(
      v.pipe(v.array(laneSchema, "must be a list"), v.maxLength(maxLanes, `must have at most ${maxLanes} lanes`)),
      [],
    ),
  },
  "must be a JSON object",
);

export type RawConfig = v.InferOutput<typeof configSchema>;
export type RawAgent = v.InferOutput<typeof agentSchema>;
export type RawDefaults = v.InferOutput<typeof defaultsSchema>;
export type RawJob = v.InferOutput<typeof jobSchema>;
export type RawLane = v.InferOutput<typeof laneSchema>;
