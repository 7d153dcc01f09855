import { ApiError } from "./api-error.ts";
import type { Caller } from "./batches.ts";
import { slowestSeconds } from "./directives.ts";
import { maxMessageBytes } from "./envelope.ts";
import type { BillLine } from "./journal.ts";
import { type JsonObject, parseBody } from "./json.ts";
import { parseParams } from "./params.ts";
import { doWork, type Message } from "./work.ts";
import { catchUp, drawMs, newTries, type World } from "./world.ts";

/** The answer is made, and billed, when the call comes in; `afterMs` is when a real call would have returned it. */
export interface Answered {
  message: Message | JsonObject;
  afterMs: number;
}

export function createMessage({ body, caller }: { body: string; caller: Caller }, world: World): Answered {
  catchUp(world);
  const params = parseSmall(body);
  const { cache, tries } = world;
  const now = world.clock.now();
  const messageId = world.chance.id("msg", world.messages, now);
  const afterMs = drawMs(world, world.messageSeconds, messageId) + slowestSeconds(body) * 1000;
  const before = new Map(tries);
  const outcome = doWork(
    {
      params,
      rules: { version: caller.version, betas: caller.betas, batch: false },
      workspaceId: caller.workspaceId,
      messageId,
      startsAt: now,
      answersAt: now + afterMs,
    },
    { cache, tries },
  );
  const line = outcome.type === "succeeded" ? billFor(outcome.message, caller) : null;
  world.journal.append({ kind: "message", line, tries: newTries(tries, before) });
  world.messages += 1;
  if (line !== null) world.realtimeBill.push(line);
  if (outcome.type === "errored") throw outcome.error;
  return { message: outcome.type === "succeeded" ? outcome.message : { id: null, content: "?" }, afterMs };
}

/** The same estimate that answers are billed by. */
export function countTokens({ body, caller }: { body: string; caller: Caller }): { input_tokens: number } {
  const rules = { version: caller.version, betas: caller.betas, batch: false };
  return { input_tokens: parseParams({ ...parseSmall(body), max_tokens: 1 }, rules).inputTokens };
}

function parseSmall(body: string): JsonObject {
  if (Buffer.byteLength(body) > maxMessageBytes) {
    throw new ApiError("request_too_large", "Request exceeds the maximum size");
  }
  return parseBody(body);
}

function billFor(message: Message, { workspaceId }: Caller): BillLine {
  const { id, model, usage } = message;
  return { customId: null, messageId: id, batchId: null, workspaceId, model, tier: "standard", usage: { ...usage } };
}
