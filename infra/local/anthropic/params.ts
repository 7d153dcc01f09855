import { invalid } from "./api-error.ts";
import { type Directives, parseDirectives } from "./directives.ts";
import { isList, isObject, type JsonObject, refuseExtraKeys, requireString } from "./json.ts";
import { findModel, type Model } from "./models.ts";
import { parsePrompt, strictVersion } from "./parse-prompt.ts";
import { type Block, totalTokens } from "./prompt.ts";
import { checkSignatures } from "./signature.ts";

/** One Messages API request that may be worked on. */
export interface Work {
  /** As the caller wrote it; answers echo it. */
  modelId: string;
  model: Model;
  maxTokens: number;
  blocks: Block[];
  inputTokens: number;
  /** What invalidates cached messages, though tools and system stay valid (prompt caching guide). */
  messageSalt: string;
  /** The text of the last user message. */
  task: string;
  directives: Directives;
  /** How often this task has been paused already: its server tool calls since the last user message. */
  pausesSoFar: number;
  stopSequences: readonly string[];
  inferenceGeo: string;
  /** The first tool of the caller's own. */
  toolName: string | undefined;
}

/** What decides besides the body: headers, and whether this is a line of a batch. */
export interface Rules {
  version: string;
  betas: readonly string[];
  batch: boolean;
}

const samplingKeys = ["temperature", "top_p", "top_k"];
const knownKeys = new Set([
  ...samplingKeys,
  ...["model", "messages", "max_tokens", "cache_control", "container", "diagnostics", "inference_geo", "metadata"],
  ...[
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
  ],
  "user_profile_id",
]);
/** Known only to requests that carry some beta header; which one is not checked. */
const betaKeys = new Set([...knownKeys, "mcp_servers", "context_management"]);

const longOutputBeta = "output-300k-2026-03-24";
const longOutputTokens = 300_000;

/** Everything the API checks about one request; throws `ApiError` with the first thing that is wrong. */
export function parseParams(input: JsonObject, rules: Rules): Work {
  refuseExtraKeys(input, rules.betas.length > 0 ? betaKeys : knownKeys, "");
  refuseUnsupported(input, rules);
  const modelId = requireString(input["model"], "model");
  if (modelId === "") throw invalid("model: String should have at least 1 character");
  const maxTokens = parseMaxTokens(input["max_tokens"], rules);
  const blocks = parsePrompt(input, rules.version);
  checkSignatures(blocks);
  const model = findModel(modelId);
  checkSizes(model, { maxTokens, inputTokens: totalTokens(blocks), rules });
  const task = lastUserText(blocks);
  return {
    modelId,
    model,
    maxTokens,
    blocks,
    inputTokens: totalTokens(blocks),
    messageSalt: JSON.stringify([input["tool_choice"], input["thinking"], effortOf(input["output_config"])]),
    task,
    directives: parseDirectives(task),
    pausesSoFar: countPauses(blocks),
    stopSequences: parseStopSequences(input["stop_sequences"]),
    inferenceGeo: parseGeo(input["inference_geo"], model),
    toolName: firstTool(input["tools"]),
  };
}

function refuseUnsupported(input: JsonObject, { version, batch }: Rules): void {
  if (version === strictVersion) {
    const sampling = samplingKeys.find((key) => input[key] !== undefined);
    if (sampling !== undefined) throw invalid(`${sampling}: this parameter is not supported in version ${version}`);
  }
  if (batch && input["speed"] !== undefined) throw invalid("speed: this parameter is not supported in batches");
  if (batch && input["stream"] === true) throw invalid("stream: streaming is not supported in batches");
  if (!batch && input["stream"] === true) throw invalid("stream: this stand-in for the API does not stream");
}

/** `max_tokens: 0` warms a cache and is for real-time calls only. */
function parseMaxTokens(value: unknown, { batch }: Rules): number {
  if (value === undefined) throw invalid("max_tokens: Field required");
  if (typeof value !== "number" || !Number.isInteger(value))
    throw invalid("max_tokens: Input should be a valid integer");
  const least = batch ? 1 : 0;
  if (value < least) throw invalid(`max_tokens: Input should be greater than or equal to ${least}`);
  return value;
}

function checkSizes(
  model: Model,
  { maxTokens, inputTokens, rules }: { maxTokens: number; inputTokens: number; rules: Rules },
) {
  const long = rules.batch && model.longOutput && rules.betas.includes(longOutputBeta);
  const most = long ? longOutputTokens : model.maxTokens;
  if (maxTokens > most) {
    throw invalid(
      `max_tokens: ${maxTokens} > ${most}, which is the maximum allowed number of output tokens for ${model.id}`,
    );
  }
  if (inputTokens > model.maxInputTokens) {
    throw invalid(`prompt is too long: ${inputTokens} tokens > ${model.maxInputTokens} maximum`);
  }
}

function parseStopSequences(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!isList(value)) throw invalid("stop_sequences: Input should be a valid list");
  return value.map((item, index) => requireString(item, `stop_sequences.${index}`));
}

function parseGeo(value: unknown, model: Model): string {
  if (value === undefined || value === null) return "global";
  const geo = requireString(value, "inference_geo");
  if (geo !== "us" && geo !== "global") throw invalid("inference_geo: Input should be 'global' or 'us'");
  if (geo === "us" && !model.usInference) throw invalid(`inference_geo: '${geo}' is not supported by ${model.id}`);
  return geo;
}

function effortOf(value: unknown): unknown {
  return isObject(value) ? value["effort"] : undefined;
}

function firstTool(tools: unknown): string | undefined {
  const [tool] = isList(tools) ? tools : [];
  return isObject(tool) && typeof tool["name"] === "string" ? tool["name"] : undefined;
}

/** The texts of the last user message, in order. */
function lastUserText(blocks: readonly Block[]): string {
  const last = blocks.findLastIndex((block) => block.role === "user");
  const first = blocks.findLastIndex((block, index) => index < last && block.role !== "user") + 1;
  return blocks
    .slice(first, last + 1)
    .flatMap((block) => (block.type === "text" ? [textOf(block)] : []))
    .join("\n");
}

function textOf(block: Block): string {
  const value: unknown = JSON.parse(block.text);
  return isObject(value) && typeof value["text"] === "string" ? value["text"] : "";
}

function countPauses(blocks: readonly Block[]): number {
  const last = blocks.findLastIndex((block) => block.role === "user");
  return blocks.filter((block, index) => index > last && block.type === "server_tool_use").length;
}
