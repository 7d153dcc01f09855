import * as v from "valibot";
import { agreed, modeOf } from "./choices.ts";
import { parseCron } from "./cron-expression.ts";
import {
  boolean,
  cacheRetention,
  id,
  mode,
  model,
  onDeadline,
  oneOf,
  text,
  timeoutSeconds,
  timeZone,
} from "./fields.ts";
import { maxCronJobs, maxMessageBytes, maxNameCharacters } from "./limits.ts";
import { defined, type Path, type Report, readList, readObject, reportRepeatedIds, unknownId } from "./reader.ts";
import { parseEvery } from "./schedule.ts";
import type { Agent, CronJob, Schedule } from "./types.ts";

const cronSchema = v.object({ jobs: v.optional(v.unknown()) });

/** May stand on the job or in its payload. */
const choiceEntries = {
  routing: v.optional(mode),
  batch: v.optional(
    v.union([boolean, v.strictObject({ enabled: boolean })], 'must be true, false or {"enabled": true}'),
  ),
  lane: v.optional(v.string("must be text")),
  onDeadline: v.optional(onDeadline),
  cacheRetention: v.optional(cacheRetention),
};

const jobSchema = v.object({
  id: v.optional(id),
  name: v.optional(text(maxNameCharacters)),
  enabled: v.optional(boolean),
  agentId: v.optional(v.string("must be text")),
  schedule: v.optional(v.unknown()),
  payload: v.optional(v.unknown()),
  ...choiceEntries,
});

const scheduleSchema = v.object({
  kind: v.optional(oneOf("cron", "every")),
  expr: v.optional(v.string("must be text")),
  tz: v.optional(timeZone),
});

const payloadSchema = v.object({
  kind: v.optional(v.literal("agentTurn", 'must be "agentTurn"')),
  message: v.optional(
    v.pipe(text(maxMessageBytes), v.maxBytes(maxMessageBytes, `must be at most ${maxMessageBytes} bytes`)),
  ),
  model: v.optional(model),
  timeoutSeconds: v.optional(timeoutSeconds),
  ...choiceEntries,
});

/** What stands in jobs of OpenClaw and has no meaning here. */
const foreignKeys = new Map([
  ["sessionTarget", "unknown key: every run is a session of its own"],
  ["wakeMode", "unknown key: a job fires when its schedule says so"],
  ["delivery", "unknown key: the end of every session is an event on the bus"],
  ["everyMs", 'unknown key: write expr, such as "15m"'],
  ["at", "unknown key: a job has a repeating schedule; spawn a session for what happens once"],
]);
const explain = (key: string) => foreignKeys.get(key);

export interface JobsDeps {
  agents: readonly Agent[];
  laneIds: readonly string[];
  report: Report;
}

/** Reads `cron`. A job that is not enabled is checked like the others, and left out. */
export function readJobs(value: unknown, deps: JobsDeps): CronJob[] {
  if (value === undefined) return [];
  const { report } = deps;
  const { jobs } = readObject(cronSchema, value, { path: ["cron"], report });
  const path = ["cron", "jobs"];
  const items = readList(jobs, { path, report, maxItems: maxCronJobs });
  const read = items.map((item, index) => readJob(item, [...path, index], deps));
  reportRepeatedIds(
    read.map(({ id }) => id),
    path,
    report,
  );
  return read.filter(({ enabled }) => enabled).map(({ job }) => job);
}

function readJob(
  value: unknown,
  path: Path,
  deps: JobsDeps,
): { id: string | undefined; enabled: boolean; job: CronJob } {
  const { report } = deps;
  const required = ["id", "agentId", "schedule", "payload"] as const;
  const raw = readObject(jobSchema, value, { path, report, required, explain });
  const payload = readPayload(raw.payload, [...path, "payload"], report);
  const { id, name, agentId, enabled = true } = raw;
  const { message = "", model, timeoutSeconds } = payload;
  const agent = deps.agents.find((other) => other.id === agentId);
  if (agentId !== undefined && agent === undefined) {
    report(
      [...path, "agentId"],
      unknownId(
        "agent",
        agentId,
        deps.agents.map((known) => known.id),
      ),
    );
  }
  const job = {
    id: id ?? "",
    agentId: agentId ?? "",
    schedule: readSchedule(raw.schedule, [...path, "schedule"], report),
    message,
    ...defined({ name, model, timeoutSeconds: timeoutSeconds === 0 ? undefined : timeoutSeconds }),
    ...readChoices(raw, payload, path, agent, deps),
  };
  return { id, enabled, job };
}

function readPayload(value: unknown, path: Path, report: Report): v.InferOutput<typeof payloadSchema> {
  // That it is missing was reported with the job's other keys.
  if (value === undefined) return {};
  return readObject(payloadSchema, value, { path, report, required: ["kind", "message"] });
}

type Choices = v.InferOutput<typeof choicesSchema>;
const choicesSchema = v.object(choiceEntries);

function readChoices(
  raw: Choices,
  payload: Choices,
  path: Path,
  agent: Agent | undefined,
  { laneIds, report }: JobsDeps,
) {
  const inPayload = [...path, "payload"];
  const routing = agreed(
    [
      { path: [...inPayload, "batch"], value: modeOf(payload.batch) },
      { path: [...inPayload, "routing"], value: payload.routing },
      { path: [...path, "routing"], value: raw.routing },
      { path: [...path, "batch"], value: modeOf(raw.batch) },
    ],
    report,
  );
  if (routing?.value === "batch" && agent?.zeroDataRetention === true) {
    report(routing.path, `agent "${agent.id}" has zeroDataRetention, and a batch keeps its data up to 29 days`);
  }
  const lane = agreedKey("lane", raw.lane, payload.lane, path, report);
  if (lane !== undefined && !laneIds.includes(lane.value)) report(lane.path, unknownId("lane", lane.value, laneIds));
  const onDeadline = agreedKey("onDeadline", raw.onDeadline, payload.onDeadline, path, report);
  const cacheRetention = agreedKey("cacheRetention", raw.cacheRetention, payload.cacheRetention, path, report)?.value;
  return defined({ routing: routing?.value, lane: lane?.value, onDeadline: onDeadline?.value, cacheRetention });
}

function agreedKey<T>(key: string, onJob: T | undefined, inPayload: T | undefined, path: Path, report: Report) {
  const places = [
    { path: [...path, key], value: onJob },
    { path: [...path, "payload", key], value: inPayload },
  ];
  return agreed(places, report);
}

/** A schedule that cannot be read is reported, so that what stands in for it never leaves the parser. */
const unreadable: Schedule = { kind: "every", seconds: 60 };

function readSchedule(value: unknown, path: Path, report: Report): Schedule {
  if (value === undefined) return unreadable;
  const { kind, expr, tz } = readObject(scheduleSchema, value, { path, report, required: ["kind", "expr"], explain });
  if (kind === undefined || expr === undefined) return unreadable;
  const at = [...path, "expr"];
  if (kind === "cron") {
    const parsed = parseCron(expr);
    if (!parsed.ok) report(at, parsed.message);
    return { kind, expr: expr.trim(), tz: tz ?? "UTC" };
  }
  if (tz !== undefined) report([...path, "tz"], "has no meaning for every, which counts from the epoch");
  const parsed = parseEvery(expr);
  if (parsed.ok) return { kind, seconds: parsed.seconds };
  report(at, parsed.message);
  return unreadable;
}
