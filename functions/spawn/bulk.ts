import { parseBody } from "../clients/http.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { nameOf, RequestError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { bulkSpawnSeconds, concurrency, maxBulkTasks, maxRequestBytes, messagesPerCall } from "../domain/limits.ts";
import { parseJson } from "../domain/parse.ts";
import type { Session } from "../domain/session.ts";
import { parseSpawnDetail } from "../domain/spawn-request.ts";
import { sendOrLeaveToRescue } from "../turns/send.ts";
import { accept, type SpawnDeps } from "./spawn.ts";

export interface BulkInput {
  /** Each task as JSON, in the order of the call. */
  tasks: readonly string[];
  client: string;
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
  const answers = await mapConcurrently(chunksOf(places, messagesPerCall), concurrency / 4, async (ten) => {
    const isLate = deps.clock.now() >= until;
    return isLate ? ten.map(() => ({ error: noTime() })) : acceptSome(ten, input, deps);
  });
  return answers.flat();
}

/** As many as one message call takes, side by side: a crash leaves no more than these few of each worker to rescue. */
async function acceptSome(
  tasks: readonly { task: string; place: number }[],
  input: BulkInput,
  deps: SpawnDeps,
): Promise<BulkAnswer[]> {
  const accepted = await mapConcurrently(tasks, messagesPerCall, async ({ task, place }) => {
    try {
      return await accept(readTask(task, place, input), deps);
    } catch (error) {
      if (!(error instanceof RequestError)) deps.log("request_failed", { error: nameOf(error), place });
      return { error };
    }
  });
  const toSend = accepted.flatMap((one) => ("session" in one && one.isToSend ? [one.session] : []));
  await sendOrLeaveToRescue(toSend, deps.queues, deps.log);
  return accepted;
}

/** @throws RequestError 400 with the field, 413 for a task that a call of its own could not bring either */
function readTask(task: string, place: number, { client, idempotencyKey: callKey }: BulkInput) {
  if (Buffer.byteLength(task) > maxRequestBytes) throw new RequestError(413, `a task is over ${maxRequestBytes} bytes`);
  const { request, idempotencyKey = callKey === undefined ? undefined : `${callKey}#${place}` } = parseBody(
    task,
    parseSpawnDetail,
  );
  return { request, client, hash: sha256(task), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
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
