import * as v from "valibot";
import { text } from "./fields.ts";
import { isObject, type JsonObject } from "./reader.ts";
import type { SystemBlock } from "./types.ts";

const object = v.custom<JsonObject>(isObject, "must be an object");
const objects = v.array(object, "must be a list of objects");

/**
 * The parameters of the Messages API that an agent may fix, for every one of its requests. Only their outer form is checked
 * here, since that much would otherwise come to light only when a batch ends; the rest is Anthropic's to judge.
 * Source: MessageCreateParamsBase of @anthropic-ai/sdk 1.11 and its beta twin, less what a batch refuses.
 */
export const parameterEntries = {
  cache_control: v.optional(object),
  container: v.optional(v.union([text(256), object], "must be text or an object")),
  context_management: v.optional(object),
  inference_geo: v.optional(text(64)),
  mcp_servers: v.optional(objects),
  metadata: v.optional(object),
  output_config: v.optional(object),
  stop_sequences: v.optional(v.array(text(1_000), "must be a list of texts")),
  thinking: v.optional(object),
  tool_choice: v.optional(object),
  tools: v.optional(objects),
};
export type Parameters = { [K in keyof typeof parameterEntries]?: v.InferOutput<(typeof parameterEntries)[K]> };
export const parameterNames: readonly string[] = Object.keys(parameterEntries);

const sampling = "is refused by API version 2026-10-21, even at its default value";
const notBatched = "is refused in a batch, and any agent's work may be batched";

/**
 * Parameters that exist and must not be fixed, each with the reason.
 * Sources: Anthropic's batch processing guide of 2026-10-08, "Migrating to API version 2026-10-21".
 */
const refusedParameters: Readonly<Record<string, string>> = {
  temperature: sampling,
  top_p: sampling,
  top_k: sampling,
  stream: notBatched,
  speed: notBatched,
  fallbacks: notBatched,
  fallback_credit_token: notBatched,
  thread: notBatched,
  store: notBatched,
  previous_thread_event_id: notBatched,
  cache_hint: notBatched,
  context_hint: notBatched,
  service_tier: "is not documented for batches, which are a tier of their own",
  max_tokens: "write maxTokens on the agent, at least 1: a batch refuses 0",
  messages: "cannot be fixed: the task is the first message of a session",
  output_format: "write output_config.format",
  workspace_id: "write workspaceId on a lane: a workspace belongs to a credential",
  user_profile_id: "is a header of a whole batch, which Offpeak does not send",
};

export function refusedParameter(key: string): string | undefined {
  return Object.hasOwn(refusedParameters, key) ? refusedParameters[key] : undefined;
}

/** Names of beta features as the `anthropic-beta` header lists them; a comma would make two of one. */
export const betas = v.array(
  v.pipe(v.string("must be text"), v.regex(/^[a-z0-9][a-z0-9.-]{0,127}$/, "must be the name of a beta feature")),
  "must be a list of names of beta features",
);

/** The `system` of the Messages API. A prompt has no limit here but the request's own. */
export const system = v.custom<string | SystemBlock[]>(
  isSystem,
  'must be text, or a list of {"type": "text", "text": "…"}, and not empty',
);

function isSystem(value: unknown): value is string | SystemBlock[] {
  if (typeof value === "string") return value.trim() !== "";
  return Array.isArray(value) && value.length > 0 && value.every(isSystemBlock);
}

function isSystemBlock(block: unknown): block is SystemBlock {
  return (
    isObject(block) && block["type"] === "text" && typeof block["text"] === "string" && block["text"].trim() !== ""
  );
}
