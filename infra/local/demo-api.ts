import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { parseJson } from "../../functions/domain/parse.ts";
import { statuses } from "../../functions/domain/session.ts";
import type { DemoTask } from "./demo-tasks.ts";

/** Something went wrong that a person can do something about; the message is a sentence for them. */
export class DemoError extends Error {
  override name = "DemoError";
}

const usageSchema = v.object({ input: v.number(), output: v.number(), cacheRead: v.number(), cacheWrite: v.number() });
const sessionSchema = v.object({
  sessionId: v.string(),
  agentId: v.string(),
  status: v.picklist(statuses),
  error: v.optional(v.object({ type: v.string(), message: v.string() })),
  usage: usageSchema,
  cost: v.optional(v.object({ totalUsd: v.number(), realtimeUsd: v.number(), missing: v.number() })),
  delivery: v.object({ status: v.string() }),
});
/** `GET /api/sessions/{id}`, as far as the demo shows it. Tokens; dollars. */
export type DemoSession = v.InferOutput<typeof sessionSchema>;

const acceptedSchema = v.object({ sessionId: v.string() });
const refusedSchema = v.object({ error: v.object({ message: v.string(), param: v.optional(v.string()) }) });
const contentSchema = v.union([v.string(), v.array(v.unknown())]);
/** What an assistant said: text, or the blocks of the Messages API. */
export type Content = v.InferOutput<typeof contentSchema>;
const historySchema = v.object({ messages: v.array(v.object({ role: v.string(), content: contentSchema })) });

/** The HTTP API as any caller has it. Every call throws `DemoError` when it is not answered as it should be. */
export interface DemoApi {
  spawn(task: DemoTask, idempotencyKey: string): Promise<string>;
  session(sessionId: string): Promise<DemoSession>;
  /** The last thing the assistant said, if it said anything. */
  answer(sessionId: string): Promise<Content | undefined>;
}

const answerWithinMs = 15_000;
/** Every call may be sent again: reads change nothing, and a repeated spawn finds its first one by its key. */
const tries = 3;
const betweenTriesMs = 1_000;

interface Call {
  path: string;
  /** A call with a body is a POST. */
  body?: string;
  idempotencyKey?: string;
}

interface Answered {
  status: number;
  body: unknown;
}

export function demoApi({ url, token, signal }: { url: string; token: string; signal: AbortSignal }): DemoApi {
  const callOnce = async ({ path, body, idempotencyKey }: Call): Promise<Answered | undefined> => {
    try {
      const response = await fetch(`${url}${path}`, {
        ...(body === undefined ? {} : { method: "POST", body }),
        headers: {
          authorization: `Bearer ${token}`,
          ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
      });
      return { status: response.status, body: parseJson(await response.text()) };
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  const call = async (input: Call): Promise<Answered> => {
    for (let triesLeft = tries - 1; ; triesLeft -= 1) {
      const answered = await callOnce(input);
      if (answered !== undefined && (answered.status < 500 || triesLeft === 0)) return answered;
      if (triesLeft === 0) throw new DemoError(`${url} does not answer.`);
      await pause(betweenTriesMs, undefined, { signal });
    }
  };
  const read = async <S extends v.GenericSchema>(schema: S, path: string): Promise<v.InferOutput<S>> => {
    const { status, body } = await call({ path });
    const parsed = v.safeParse(schema, body);
    if (status === 200 && parsed.success) return parsed.output;
    throw new DemoError(`GET ${path} was answered with ${status}: ${reasonOf(body).message}`);
  };
  const spawn = async (
    task: Omit<DemoTask, "agentId"> & { agentId?: string },
    idempotencyKey: string,
  ): Promise<string> => {
    const body = JSON.stringify({ ...task, label: "demo" });
    const answer = await call({ path: "/api/sessions/spawn", body, idempotencyKey });
    const accepted = v.safeParse(acceptedSchema, answer.body);
    if (answer.status === 202 && accepted.success) return accepted.output.sessionId;
    const { message, param } = reasonOf(answer.body);
    // A configuration of one's own has other agents; the first of them is as good.
    const { agentId, ...withoutAgent } = task;
    if (answer.status === 400 && param === "agentId" && agentId !== undefined)
      return spawn(withoutAgent, idempotencyKey);
    throw new DemoError(`A task was refused with ${answer.status}: ${message}`);
  };
  return {
    spawn,
    session: (sessionId) => read(sessionSchema, `/api/sessions/${sessionId}`),
    async answer(sessionId) {
      const { messages } = await read(historySchema, `/api/sessions/${sessionId}/history`);
      return messages.findLast(({ role }) => role === "assistant")?.content;
    },
  };
}

function reasonOf(body: unknown): { message: string; param?: string | undefined } {
  const parsed = v.safeParse(refusedSchema, body);
  return parsed.success ? parsed.output.error : { message: "nothing that can be read" };
}
