import { answer, type ContentBlock, type Usage, usageOf } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import type { PromptCache } from "./cache.ts";
import { digest } from "./chance.ts";
import type { JsonObject } from "./json.ts";
import { parseParams, type Rules, type Work } from "./params.ts";

/** A finished answer as the Messages API writes it. */
export interface Message {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: ContentBlock[];
  stop_reason: string;
  stop_sequence: string | null;
  stop_details: object | null;
  container: null;
  diagnostics: null;
  usage: Usage;
}

export type Outcome =
  | { type: "succeeded"; message: Message; work: Work }
  | { type: "malformed" }
  | { type: "errored"; error: ApiError }
  | { type: "expired" };

export interface WorkDeps {
  cache: PromptCache;
  /** Failures so far by task, for directives with `times`; counted up here. */
  tries: Map<string, number>;
}

export interface WorkInput {
  params: JsonObject;
  rules: Rules;
  workspaceId: string;
  messageId: string;
  startsAt: number;
  answersAt: number;
}

/** Does one request, of a batch or on its own. Everything that can be wrong with `params` comes out as `errored`. */
export function doWork(input: WorkInput, deps: WorkDeps): Outcome {
  try {
    return complete(parseParams(input.params, input.rules), input, deps);
  } catch (error) {
    if (error instanceof ApiError) return { type: "errored", error };
    throw error;
  }
}

function complete(work: Work, input: WorkInput, { cache, tries }: WorkDeps): Outcome {
  const { failure, malformed } = work.directives;
  if (failure !== undefined && isDue(work.task, failure.times, tries)) {
    if (failure.type !== "expired") return { type: "errored", error: new ApiError(failure.type, failure.message) };
    if (input.rules.batch) return { type: "expired" };
  }
  if (malformed) return { type: "malformed" };
  const tier = input.rules.batch ? "batch" : "standard";
  const split = cache.use({
    // Batches do not read what real-time calls wrote.
    pool: [input.workspaceId, work.model.id, tier].join("\n"),
    blocks: work.blocks,
    messageSalt: work.messageSalt,
    minTokens: work.model.minCacheTokens,
    startsAt: input.startsAt,
    answersAt: input.answersAt,
  });
  const made = answer(work, input.rules.batch);
  return {
    type: "succeeded",
    work,
    message: {
      id: input.messageId,
      type: "message",
      role: "assistant",
      model: work.modelId,
      content: made.content,
      stop_reason: made.stopReason,
      stop_sequence: made.stopSequence,
      stop_details: made.stopDetails,
      container: null,
      diagnostics: null,
      usage: usageOf(work, split, made.outputTokens, tier),
    },
  };
}

function isDue(task: string, times: number, tries: Map<string, number>): boolean {
  const key = digest(task).toString("base64url");
  const before = tries.get(key) ?? 0;
  if (before >= times) return false;
  tries.set(key, before + 1);
  return true;
}
