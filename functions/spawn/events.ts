import * as v from "valibot";
import type { CronJob } from "../domain/config/index.ts";
import { scheduledMinute } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { maxRequestBytes } from "../domain/limits.ts";
import type { LogFields } from "../domain/log.ts";
import { describeProblems, parseWith } from "../domain/parse.ts";
import { busClient, cronClient } from "../domain/principal.ts";
import { parseSpawnDetail } from "../domain/spawn-request.ts";
import { type SpawnDeps, type SpawnInput, spawn } from "./spawn.ts";

/** What a rule of the stack gives as its constant input; the time is the rule's own, put in by EventBridge. */
const cronSchema = v.object({
  cronJob: v.string(),
  time: v.pipe(
    v.string(),
    v.check((text) => !Number.isNaN(Date.parse(text)), "must be a time"),
  ),
});

/** An event on the bus, as EventBridge delivers it to a target. */
const busSchema = v.object({
  "detail-type": v.literal("offpeak.spawn"),
  source: v.pipe(v.string(), v.minLength(1)),
  id: v.pipe(v.string(), v.minLength(1)),
  detail: v.unknown(),
});

/**
 * Accepts a task that nobody waits for: a cron job's minute, or an `offpeak.spawn` event. An event that can never be
 * accepted is logged and dropped, since nobody is there to answer; any other failure is thrown, so that AWS tries again.
 */
export async function spawnFromEvent(event: unknown, deps: SpawnDeps): Promise<void> {
  try {
    await spawn(readEvent(event, deps), deps);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const id = idOf(event);
    deps.log("spawn_event_rejected", { ...id, status: error.status, param: error.param, reason: error.message });
  }
}

function readEvent(event: unknown, deps: SpawnDeps): SpawnInput {
  const cron = v.safeParse(cronSchema, event);
  if (cron.success) return cronInput(cron.output, deps);
  const bus = v.safeParse(busSchema, event);
  if (bus.success) return busInput(bus.output);
  throw new RequestError(400, "neither a cron job's input nor an offpeak.spawn event", { param: "event" });
}

/** A job fires once a scheduled minute, however often EventBridge says so. */
function cronInput({ cronJob, time }: v.InferOutput<typeof cronSchema>, { config }: SpawnDeps): SpawnInput {
  const job = config.jobs.find(({ id }) => id === cronJob);
  if (job === undefined) throw new RequestError(400, "no such cron job", { param: "cronJob" });
  const minute = scheduledMinute(job.schedule, new Date(time)).toISOString();
  return {
    client: cronClient,
    agents: "*",
    idempotencyKey: `${job.id}@${minute}`,
    hash: sha256(`${job.id}@${minute}`),
    job,
    request: requestOf(job),
  };
}

function requestOf(job: CronJob): SpawnInput["request"] {
  const { message, agentId, model, timeoutSeconds } = job;
  return {
    task: message,
    agentId,
    ...(model === undefined ? {} : { model }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}

function busInput({ source, id, detail }: v.InferOutput<typeof busSchema>): SpawnInput {
  // What an HTTP call may not ask for, an event may not either.
  if (Buffer.byteLength(JSON.stringify(detail ?? null)) > maxRequestBytes)
    throw new RequestError(413, `the detail is over ${maxRequestBytes} bytes`, { param: "detail" });
  const parsed = parseSpawnDetail(detail);
  if (!parsed.ok) {
    const [first] = parsed.problems;
    throw new RequestError(
      400,
      describeProblems(parsed.problems),
      first === undefined ? {} : { param: `detail.${first.path}` },
    );
  }
  const { request, idempotencyKey = `${source}/${id}` } = parsed.value;
  return { client: busClient, agents: "*", idempotencyKey, hash: sha256(JSON.stringify(detail)), request };
}

function idOf(event: unknown): LogFields {
  const parsed = parseWith(v.object({ id: v.optional(v.string()), cronJob: v.optional(v.string()) }), event);
  return parsed.ok ? { eventId: parsed.value.id, cronJob: parsed.value.cronJob } : {};
}
