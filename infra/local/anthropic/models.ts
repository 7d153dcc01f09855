import { ApiError } from "./api-error.ts";

/** What the stand-in knows of a model. */
export interface Model {
  id: string;
  name: string;
  line: "haiku" | "sonnet" | "opus" | "fable" | "mythos";
  /** A prefix shorter than this is silently not cached (prompt caching guide). */
  minCacheTokens: number;
  maxTokens: number;
  maxInputTokens: number;
  /** Whether beta `output-300k-2026-03-24` raises `max_tokens` to 300,000 in batches. */
  longOutput: boolean;
  /** Whether every answer starts with a thinking block, bound by its signature to the conversation before it. */
  thinks: boolean;
  /** `inference_geo: "us"` is refused by the 4.5 models. */
  usInference: boolean;
  retiresAt?: string;
}

type Row = readonly [id: string, line: Model["line"], minCacheTokens: number, flags: string, alias?: string];

/**
 * Newest first. Flags: `t` thinks, `l` long output, `o` a 4.5 model: 200,000 tokens of context, 64,000 of output and no
 * US inference. The reference has no table of context and output sizes; those two are round figures. A minimum for Fable 5.2
 * is not documented, 512 is that of its siblings.
 */
const rows: readonly Row[] = [
  ["claude-fable-5-2", "fable", 512, "t"],
  ["claude-mythos-5-2", "mythos", 512, "t"],
  ["claude-haiku-5-5", "haiku", 512, "l"],
  ["claude-sonnet-5-5", "sonnet", 512, ""],
  ["claude-fable-5-1", "fable", 512, "t"],
  ["claude-opus-5-5", "opus", 512, "tl"],
  ["claude-mythos-5-1", "mythos", 512, "t"],
  ["claude-sonnet-5", "sonnet", 1_024, "l"],
  ["claude-fable-5", "fable", 512, "t"],
  ["claude-mythos-5", "mythos", 512, "t"],
  ["claude-opus-5", "opus", 512, "l"],
  ["claude-opus-4-8", "opus", 1_024, "l"],
  ["claude-opus-4-7", "opus", 2_048, "l"],
  ["claude-mythos-preview", "mythos", 2_048, ""],
  ["claude-opus-4-6", "opus", 4_096, "l"],
  ["claude-sonnet-4-6", "sonnet", 1_024, "l"],
  ["claude-opus-4-5-20251101", "opus", 4_096, "o", "claude-opus-4-5"],
  ["claude-haiku-4-5-20251001", "haiku", 4_096, "o", "claude-haiku-4-5"],
  ["claude-sonnet-4-5-20250929", "sonnet", 1_024, "o", "claude-sonnet-4-5"],
];

function toModel([id, line, minCacheTokens, flags]: Row): Model {
  const old = flags.includes("o");
  return {
    id,
    name: `Claude ${id
      .replace(/^claude-|-\d{8}$/g, "")
      .replace(/-(\d)-(\d)$/, " $1.$2")
      .replace("-", " ")}`,
    line,
    minCacheTokens,
    maxTokens: old ? 64_000 : 128_000,
    maxInputTokens: old ? 200_000 : 1_000_000,
    longOutput: flags.includes("l"),
    thinks: flags.includes("t"),
    usInference: !old,
    ...(id.startsWith("claude-sonnet-4-5") ? { retiresAt: "2026-11-30T00:00:00Z" } : {}),
  };
}

const models = rows.map(toModel);
const byId = new Map(
  rows.flatMap((row) => {
    const model = toModel(row);
    const alias = row[4];
    return alias === undefined ? [[row[0], model] as const] : [[row[0], model] as const, [alias, model] as const];
  }),
);

/** Throws `not_found_error`, as the API does for a name it does not know. */
export function findModel(id: string): Model {
  const model = byId.get(id);
  if (model === undefined) throw new ApiError("not_found_error", `model: ${id}`);
  return model;
}

export function allModels(): readonly Model[] {
  return models;
}

/** The public view of a model. The day of release is not ours to know: the API itself gives the epoch then. */
export function modelInfo(model: Model): Record<string, unknown> {
  const yes = { supported: true };
  const no = { supported: false };
  return {
    type: "model",
    id: model.id,
    display_name: model.name,
    line: model.line,
    created_at: "1970-01-01T00:00:00Z",
    lifecycle: model.retiresAt === undefined ? "active" : "deprecated",
    deprecated_at: model.retiresAt === undefined ? null : "1970-01-01T00:00:00Z",
    retires_at: model.retiresAt ?? null,
    max_input_tokens: model.maxInputTokens,
    max_tokens: model.maxTokens,
    capabilities: {
      batch: yes,
      citations: yes,
      code_execution: no,
      context_management: {
        supported: false,
        clear_thinking_20251015: no,
        clear_tool_uses_20250919: no,
        compact_20260112: no,
      },
      effort: { supported: false, low: no, medium: no, high: no, xhigh: no, max: no },
      image_input: yes,
      pdf_input: yes,
      server_tools: { supported: false, code_execution: no, web_search: no },
      structured_outputs: no,
      thinking: {
        supported: model.thinks,
        types: { adaptive: yes, between_tools: no, disabled: model.thinks ? no : yes, enabled: no },
      },
    },
  };
}
