import * as v from "valibot";
import { type BillingTerms, parseTerms } from "./billing-terms.ts";
import { type CustomId, parseCustomId } from "./ids.ts";
import { parseJson } from "./parse.ts";
import { RawJson, rawValueAt } from "./raw-json.ts";
import type { SessionError } from "./session.ts";
import { parseUsage, type Usage } from "./usage.ts";

/**
 * What one result means for its turn. Pure: the same for a line of a batch's result file and for a real-time answer.
 * `billed` says whether Anthropic charges for it: only what succeeded.
 */
export type Outcome =
  /** The turn has its answer, usable (`done`) or not (`failed`); either way its content is kept. */
  | { kind: "answer"; status: "done" | "failed"; stopReason: string; truncated: boolean; error?: SessionError }
  /** `pause_turn`: the same task goes on in a next turn. */
  | { kind: "continue"; stopReason: string }
  /** Wrong for good: sending it again would fail again. */
  | { kind: "refused"; error: SessionError }
  /** Nothing wrong with the task: credit, a spend limit or the credential. It waits, and burns no attempt. */
  | { kind: "park"; reason: string; error: SessionError }
  /** Worth another attempt. */
  | { kind: "again"; error: SessionError }
  /** The batch was canceled before this request was sent. */
  | { kind: "canceled" };

export interface Result extends BillingTerms {
  outcome: Outcome;
  /** The API's own word: `succeeded | errored | canceled | expired`. */
  type: string;
  billed: boolean;
  /** Absent when nothing was billed, or when it could not be read: then the cost is missing, not 0. */
  usage?: Usage;
  model?: string;
}

export type ParsedLine =
  | { kind: "ours"; id: CustomId; result: Result }
  | { kind: "foreign"; customId: string }
  | { kind: "garbled" };

/** What only explains must not make an answer unreadable: in a form not known yet, it is as good as absent. */
const explaining = <const S extends v.GenericSchema>(schema: S) => v.fallback(v.nullish(schema), null);

const messageSchema = v.object({
  model: v.nullish(v.string()),
  stop_reason: v.nullish(v.string()),
  stop_details: explaining(v.object({ category: v.nullish(v.string()), explanation: v.nullish(v.string()) })),
  content: v.array(v.unknown()),
  usage: v.optional(v.unknown()),
});

const errorSchema = v.object({
  type: v.nullish(v.string()),
  message: v.nullish(v.string()),
  details: explaining(v.object({ error_code: v.nullish(v.string()) })),
});

const lineSchema = v.object({
  custom_id: v.string(),
  result: v.variant("type", [
    v.object({ type: v.literal("succeeded"), message: messageSchema }),
    v.object({ type: v.literal("errored"), error: v.object({ error: errorSchema }) }),
    v.object({ type: v.literal("canceled") }),
    v.object({ type: v.literal("expired") }),
  ]),
});

const namedSchema = v.object({ custom_id: v.string() });

/**
 * One line of a result file. A line that names none of our manifests is `foreign`; one that is no line of a result file at
 * all, `garbled`. One of ours in a form not known yet fails alone: it says whose it is, and may have been paid for.
 */
export function parseResultLine(line: string): ParsedLine {
  const json = parseJson(line);
  const named = v.safeParse(namedSchema, json);
  if (!named.success) return { kind: "garbled" };
  const { custom_id } = named.output;
  const id = parseCustomId(custom_id);
  if (id === undefined) return { kind: "foreign", customId: custom_id };
  const parsed = v.safeParse(lineSchema, json);
  if (!parsed.success) return { kind: "ours", id, result: unreadable };
  const { result } = parsed.output;
  if (result.type === "succeeded") return { kind: "ours", id, result: readMessage(result.message) };
  return { kind: "ours", id, result: { type: result.type, billed: false, outcome: unbilledOutcome(result) } };
}

const unreadable: Result = {
  type: "unreadable",
  billed: true,
  outcome: {
    kind: "refused",
    error: { type: "unreadable_result", message: "the result is in a form that is not known here" },
  },
};

function unbilledOutcome(
  result: { type: "canceled" } | { type: "expired" } | { type: "errored"; error: { error: ApiErrorBody } },
): Outcome {
  if (result.type === "canceled") return { kind: "canceled" };
  if (result.type === "errored") return errorOutcome(result.error.error);
  return { kind: "again", error: { type: "expired", message: "the batch ended before this request was processed" } };
}

/** The body of a real-time answer, as received. `undefined` when it is not a message. */
export function parseMessage(text: string): Result | undefined {
  const parsed = v.safeParse(messageSchema, parseJson(text));
  return parsed.success ? readMessage(parsed.output) : undefined;
}

function readMessage(message: v.InferOutput<typeof messageSchema>): Result {
  const usage = parseUsage(message.usage);
  return {
    type: "succeeded",
    billed: true,
    outcome: stopOutcome(message),
    ...(usage === undefined ? {} : { usage }),
    ...(typeof message.model === "string" ? { model: message.model } : {}),
    ...(usage === undefined ? {} : parseTerms(message.usage)),
  };
}

/** `succeeded` does not mean usable: the reason it stopped decides. */
function stopOutcome(message: v.InferOutput<typeof messageSchema>): Outcome {
  const stopReason = message.stop_reason ?? "end_turn";
  switch (stopReason) {
    case "max_tokens":
    case "model_context_window_exceeded":
      return { kind: "answer", status: "done", stopReason, truncated: true };
    case "pause_turn":
      return { kind: "continue", stopReason };
    case "refusal": {
      const why = message.stop_details?.explanation ?? message.stop_details?.category ?? "the model declined to answer";
      return {
        kind: "answer",
        status: "failed",
        stopReason,
        truncated: false,
        error: { type: "refusal", message: why },
      };
    }
    case "tool_use": {
      const error = {
        type: "tool_use",
        message: "the model asked for a tool, and this agent's tools cannot be run here",
      };
      return { kind: "answer", status: "failed", stopReason, truncated: false, error };
    }
    default:
      return { kind: "answer", status: "done", stopReason, truncated: false };
  }
}

export interface ApiErrorBody {
  type?: string | null | undefined;
  message?: string | null | undefined;
  details?: { error_code?: string | null | undefined } | null | undefined;
}

/** An `errored` result. Only `invalid_request_error` is final, and not when it is about money or the organization. */
export function errorOutcome(body: ApiErrorBody): Outcome {
  const error = { type: body.type ?? "api_error", message: body.message ?? "no message" };
  const reason = parkReason(body);
  if (reason !== undefined) return { kind: "park", reason, error };
  if (error.type === "invalid_request_error" || error.type === "not_found_error") return { kind: "refused", error };
  return { kind: "again", error };
}

const parkingTypes = new Map([
  ["billing_error", "billing"],
  ["permission_error", "permission"],
  ["authentication_error", "authentication"],
]);
const parkingCodes = new Map([
  ["enforced_spend_limit_reached", "spend_limit"],
  ["contract_spend_limit_reached", "spend_limit"],
  ["organization_on_hold", "organization"],
  ["cmek_key_disabled", "organization"],
  ["claude_code_key_creator_not_member", "organization"],
]);
/** Seen as plain `invalid_request_error` in results of accepted batches (curator#296) and documented for spend limits. */
const parkingMessages: readonly [prefix: string, reason: string][] = [
  ["Your credit balance is too low", "credit"],
  ["You have reached your specified", "spend_limit"],
];

/** Why work must wait although nothing is wrong with it: by error code, by type, and as a last resort by message. */
export function parkReason(body: ApiErrorBody): string | undefined {
  const byCode = parkingCodes.get(body.details?.error_code ?? "");
  const byMessage = parkingMessages.find(([prefix]) => body.message?.startsWith(prefix) === true)?.[1];
  return byCode ?? parkingTypes.get(body.type ?? "") ?? byMessage;
}

const contentSchema = v.union([
  v.pipe(
    v.object({ result: v.object({ message: v.object({ content: v.array(v.unknown()) }) }) }),
    v.transform(({ result }) => result.message.content),
  ),
  v.pipe(
    v.object({ content: v.array(v.unknown()) }),
    v.transform(({ content }) => content),
  ),
]);

/** The same content as the text it was received in, to be sent back byte for byte. */
export function rawContentOf(text: string): RawJson | undefined {
  if (contentOf(text) === undefined) return undefined;
  const raw = rawValueAt(text, ["result", "message", "content"]) ?? rawValueAt(text, ["content"]);
  return raw === undefined ? undefined : new RawJson(raw);
}

/** The content blocks of an answer, from the text as it was received; `undefined` when there are none. */
export function contentOf(text: string): unknown[] | undefined {
  const parsed = v.safeParse(contentSchema, parseJson(text));
  return parsed.success ? parsed.output : undefined;
}
