import { creditMessage, type ErrorType, invalid, isErrorType, usageLimitMessage } from "./api-error.ts";

/**
 * What a test can ask of the stand-in inside a task, as `[[stand-in: …]]` anywhere in the last user message:
 *
 * | directive | effect |
 * | --- | --- |
 * | `refusal` | succeeds with `stop_reason: "refusal"` |
 * | `max_tokens` | the answer is cut, `stop_reason: "max_tokens"`, however large the limit |
 * | `context_window` | the same with `model_context_window_exceeded` |
 * | `pause_turn N` | the first N answers end in `pause_turn`, the next one as usual |
 * | `pause_in_batch N` | the same, but in real time it answers at once: the two ways of one turn then differ |
 * | `tool_use` | asks for a tool and ends in `tool_use` |
 * | `thinking` | the answer starts with a signed thinking block, whatever the model |
 * | `errored TYPE` | fails with that error type |
 * | `credit` | fails as an account without credit does: `invalid_request_error` |
 * | `usage_limit` | fails as a spend limit set by the customer does: `invalid_request_error` |
 * | `expired` | in a batch: never got its turn |
 * | `malformed` | succeeds with a message that is not one |
 * | `answer TEXT` | this very answer |
 * | `answer_bytes N` | an answer of N bytes that hardly compresses; `max_tokens` does not cut it |
 * | `slow N` | the call, or the whole batch, takes N seconds longer |
 *
 * `errored`, `credit`, `usage_limit` and `expired` take ` times N` at the end: only the first N tries of this task.
 * A directive that is none of these fails its request, so that a misspelled test does not pass.
 */
export interface Directives {
  stop?: "refusal" | "max_tokens" | "model_context_window_exceeded" | "tool_use";
  pauses: number;
  /** In a batch only. */
  batchPauses: number;
  thinking: boolean;
  malformed: boolean;
  failure?: { type: ErrorType | "expired"; message: string; times: number };
  answer?: string;
  answerBytes?: number;
  slowSeconds: number;
}

const pattern = /\[\[stand-in: ([^\]]*)\]\]/g;
const slowPattern = /\[\[stand-in: slow (\d+)\]\]/g;

export function parseDirectives(task: string): Directives {
  const directives: Directives = { pauses: 0, batchPauses: 0, thinking: false, malformed: false, slowSeconds: 0 };
  if (!task.includes("[[stand-in:")) return directives;
  for (const [, text = ""] of task.matchAll(pattern)) Object.assign(directives, readOne(text.trim()));
  return directives;
}

/** The longest `slow` of a whole batch, read from its text: one slow request holds all the others. */
export function slowestSeconds(text: string): number {
  let slowest = 0;
  for (const [, seconds] of text.matchAll(slowPattern)) slowest = Math.max(slowest, Number(seconds));
  return slowest;
}

const plain: Readonly<Record<string, Partial<Directives>>> = {
  refusal: { stop: "refusal" },
  max_tokens: { stop: "max_tokens" },
  context_window: { stop: "model_context_window_exceeded" },
  tool_use: { stop: "tool_use" },
  thinking: { thinking: true },
  malformed: { malformed: true },
};

function readOne(text: string): Partial<Directives> {
  const simple = plain[text];
  if (simple !== undefined) return simple;
  const [, name = "", rest = ""] = /^(\w+) ?([\s\S]*)$/.exec(text) ?? [];
  if (name === "answer") return { answer: rest };
  if (/^\d+$/.test(rest)) {
    if (name === "pause_turn") return { pauses: Number(rest) };
    if (name === "pause_in_batch") return { batchPauses: Number(rest) };
    if (name === "answer_bytes") return { answerBytes: Number(rest) };
    if (name === "slow") return { slowSeconds: Number(rest) };
  }
  const failure = readFailure(text);
  if (failure === undefined) throw invalid(`the stand-in knows no directive "${text}"`);
  return { failure };
}

function readFailure(text: string): Directives["failure"] {
  const [, name = "", type = "", count] = /^(\w+)(?: (?!times )(\w+))?(?: times (\d+))?$/.exec(text) ?? [];
  const times = count === undefined ? Number.POSITIVE_INFINITY : Number(count);
  if (name === "credit") return { type: "invalid_request_error", message: creditMessage, times };
  if (name === "usage_limit") return { type: "invalid_request_error", message: usageLimitMessage, times };
  if (name === "expired") return { type: "expired", message: "", times };
  if (name !== "errored" || !isErrorType(type)) return undefined;
  return { type, message: `The task asked the stand-in for ${type}.`, times };
}
