import { parseBody } from "../clients/http.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { nameOf, RequestError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import {
  bulkSpawnSeconds,
  concurrency,
  maxBulkTasks,
  maxRequestBytes,
  messagesPerCall,
  tasksPerObject,
} from "../domain/limits.ts";
import { parseJson } from "../domain/parse.ts";
import type { AgentSet } from "../domain/principal.ts";
import { expiriesOf } from "../domain/retention.ts";
import type { Session } from "../domain/session.ts";
import { parseSpawnDetail } from "../domain/spawn-request.ts";
import type { Packed } from "../store/bodies.ts";
import { sendOrLeaveToRescue } from "../turns/send.ts";
import { type Prepared, place, prepare, type SpawnDeps } from "./spawn.ts";

export interface BulkInput {
  /** Each task as JSON, in the order of the call. */
  tasks: readonly string[];
  client: string;
  agents: AgentSet;
  /** Of the whole call: with its place, it is the key of each task that has none of its own. */
  idempotencyKey?: string;
}

/** What became of one task: its session, or why there is none. */
export type BulkAnswer = { session: Session } | { error: unknown };

/**
 * Accepts many tasks as if each had come by itself: one that is refused, or that the store did not take, harms no other.
 * What there is no time for is answered so, since API Gateway would give no answer at all.
 * @returns the answers in the order of the tasks
 */
export async function spawnAll(input: BulkInput, deps: SpawnDeps): Promise<BulkAnswer[]> {
  const until = deps.clock.now() + bulkSpawnSeconds * 1000;
  const places = input.tasks.map((task, place) => ({ task, place }));
  const answers = await mapConcurrently(chunksOf(places, tasksPerObject), concurrency / 4, async (some) => {
    const prepared = await prepareSome(some, { ...input, until }, deps);
    const bodies = await packOrNone(prepared, deps);
    const placed: BulkAnswer[][] = [];
    for (const ten of chunksOf(prepared, messagesPerCall)) placed.push(await placeSome(ten, { bodies, until }, deps));
    return placed.flat();
  });
  return answers.flat();
}

type PreparedAnswer = { place: number; prepared: Prepared } | { place: number; error: unknown };

async function prepareSome(
  tasks: readonly { task: string; place: number }[],
  input: BulkInput & { until: number },
  deps: SpawnDeps,
): Promise<PreparedAnswer[]> {
  return mapConcurrently(tasks, messagesPerCall, async ({ task, place }) => {
    if (deps.clock.now() >= input.until) return { place, error: noTime() };
    try {
      return { place, prepared: await prepare(readTask(task, place, input), deps) };
    } catch (error) {
      return { place, error: told(error, place, deps) };
    }
  });
}

/** In one object, by place. Where the bucket does not take it, each request lies in its item: it costs more, and is as good. */
async function packOrNone(
  answers: readonly PreparedAnswer[],
  { turns, log }: SpawnDeps,
): Promise<ReadonlyMap<number, Packed>> {
  // Of a repeat there is nothing to write but what its first call may have left out.
  const fresh = answers.flatMap((one) => ("prepared" in one && one.prepared.entry !== undefined ? [one] : []));
  try {
    const bodies = await turns.packRequests(
      fresh.map(({ prepared }) => prepared.request),
      expiriesOf(fresh.map(({ prepared }) => prepared.accepted)).lastExpiry,
    );
    return new Map(fresh.flatMap(({ place }, index) => pairOf(place, bodies[index])));
  } catch (error) {
    log("request_failed", { error: nameOf(error) });
    return new Map();
  }
}

const pairOf = (place: number, body: Packed | undefined): [number, Packed][] =>
  body === undefined ? [] : [[place, body]];

/** As many as one message call takes, side by side: a crash leaves no more than these few of each worker to rescue. */
async function placeSome(
  ten: readonly PreparedAnswer[],
  { bodies, until }: { bodies: ReadonlyMap<number, Packed>; until: number },
  deps: SpawnDeps,
): Promise<BulkAnswer[]> {
  const isLate = deps.clock.now() >= until;
  const accepted = await mapConcurrently(ten, messagesPerCall, async (one) => {
    if ("error" in one) return { error: one.error };
    if (isLate) return { error: noTime() };
    try {
      return await place(one.prepared, deps, bodies.get(one.place));
    } catch (error) {
      return { error: told(error, one.place, deps) };
    }
  });
  const toSend = accepted.flatMap((one) => ("session" in one && one.isToSend ? [one.session] : []));
  await sendOrLeaveToRescue(toSend, deps.queues, deps.log);
  return accepted;
}

function told(error: unknown, place: number, { log }: SpawnDeps): unknown {
  if (!(error instanceof RequestError)) log("request_failed", { error: nameOf(error), place });
  return error;
}

/** @throws RequestError 400 with the field, 413 for a task that a call of its own could not bring either */
function readTask(task: string, place: number, { client, agents, idempotencyKey: callKey }: BulkInput) {
  if (Buffer.byteLength(task) > maxRequestBytes) throw new RequestError(413, `a task is over ${maxRequestBytes} bytes`);
  const { request, idempotencyKey = callKey === undefined ? undefined : `${callKey}#${place}` } = parseBody(
    task,
    parseSpawnDetail,
  );
  return { request, client, agents, hash: sha256(task), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}

function noTime(): RequestError {
  return new RequestError(503, "there was no time for this task: send it again", { headers: { "retry-after": "1" } });
}

/**
 * The tasks of a body: a JSON array, or one JSON object a line.
 * @throws RequestError 400 for a body that is neither, or has none or too many
 */
export function readTasks(text: string): string[] {
  const isArray = text.trimStart().startsWith("[");
  const tasks = isArray ? readArray(text) : readLines(text);
  if (tasks.length === 0 || tasks.length > maxBulkTasks) {
    throw new RequestError(400, `must have 1 to ${maxBulkTasks} tasks`, { param: "body" });
  }
  return tasks;
}

function readArray(text: string): string[] {
  const tasks = parseJson(text);
  if (!Array.isArray(tasks)) throw new RequestError(400, "the body is not JSON", { param: "body" });
  return tasks.map(written);
}

/** What is nested too deep to be written again is no task. */
function written(task: unknown): string {
  try {
    return JSON.stringify(task);
  } catch {
    return "";
  }
}

function readLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
