import type { CacheSplit } from "./cache.ts";
import { digest } from "./chance.ts";
import type { Work } from "./params.ts";
import { charactersPerToken, tokensOf } from "./prompt.ts";
import { signedThinking } from "./signature.ts";

export type ContentBlock = { type: string } & Record<string, unknown>;

export interface Answer {
  content: ContentBlock[];
  stopReason: string;
  stopSequence: string | null;
  stopDetails: object | null;
  outputTokens: number;
}

/** The answer to a task: a function of the request and its way alone, so that the same request is always answered the same. */
export function answer(work: Work, isBatched: boolean): Answer {
  const { directives, maxTokens } = work;
  if (maxTokens === 0) return finish([], "max_tokens");
  if (directives.stop === "refusal") return refuse();
  const pauses = Math.max(directives.pauses, isBatched ? directives.batchPauses : 0);
  if (pauses > work.pausesSoFar) return pause(work);
  if (directives.stop === "tool_use") return askForTool(work);
  const text = fullText(work);
  if (directives.answerBytes !== undefined) return withThinking(work, finish([textBlock(text)], "end_turn"));
  return withThinking(work, cut(text, work));
}

function finish(content: ContentBlock[], stopReason: string, stopSequence: string | null = null): Answer {
  const characters = content.reduce(
    (sum, block) => sum + (typeof block["text"] === "string" ? block["text"].length : JSON.stringify(block).length),
    0,
  );
  return { content, stopReason, stopSequence, stopDetails: null, outputTokens: tokensOf(characters) };
}

function textBlock(text: string): ContentBlock {
  return { type: "text", text, citations: null };
}

/** Empty, signed, and free: it counts no output tokens, since there is nothing in it. */
function withThinking(work: Work, made: Answer): Answer {
  if (!work.model.thinks && !work.directives.thinking) return made;
  return { ...made, content: [signedThinking(work.blocks, made.content), ...made.content] };
}

function refuse(): Answer {
  const stopDetails = {
    type: "refusal",
    category: "general_harms",
    explanation: "The task asked the stand-in for a refusal.",
  };
  return { ...finish([textBlock("I can't help with this task.")], "refusal"), stopDetails };
}

function pause(work: Work): Answer {
  const number = work.pausesSoFar + 1;
  const call = {
    type: "server_tool_use",
    id: `srvtoolu_01${shortHash(work.task, number)}`,
    name: "web_search",
    input: { query: firstLine(work.task) },
  };
  const made = finish([textBlock(`Looking this up, part ${number}.`), call], "pause_turn");
  return { ...made, content: [signedThinking(work.blocks, made.content), ...made.content] };
}

function askForTool(work: Work): Answer {
  const call = {
    type: "tool_use",
    id: `toolu_01${shortHash(work.task)}`,
    name: work.toolName ?? "read_file",
    input: {},
  };
  return withThinking(work, finish([textBlock("I need a tool for this."), call], "tool_use"));
}

function shortHash(...parts: (string | number)[]): string {
  return digest(...parts)
    .toString("hex")
    .slice(0, 22);
}

/** Whatever ends the text first: a stop sequence, or the limit. */
function cut(text: string, { directives, maxTokens, stopSequences }: Work): Answer {
  const stop = directives.stop;
  if (stop !== undefined) return finish([textBlock(text.slice(0, Math.ceil(text.length / 2)))], stop);
  const limit = maxTokens * charactersPerToken;
  const [first] = stopSequences
    .map((sequence) => ({ sequence, at: sequence === "" ? -1 : text.indexOf(sequence) }))
    .filter(({ at }) => at !== -1 && at < limit)
    .toSorted((a, b) => a.at - b.at);
  if (first !== undefined) {
    const before = text.slice(0, first.at);
    return finish(before === "" ? [] : [textBlock(before)], "stop_sequence", first.sequence);
  }
  return text.length > limit
    ? finish([textBlock(text.slice(0, limit))], "max_tokens")
    : finish([textBlock(text)], "end_turn");
}

function fullText(work: Work): string {
  const { answer: given, answerBytes } = work.directives;
  if (given !== undefined) return given === "" ? " " : given;
  return answerBytes === undefined ? compose(work.task) : noise(work.task, answerBytes);
}

const remarks = [
  "Nothing in it needs a decision before the morning.",
  "Two points repeat what earlier runs said; the others are new.",
  "The figures agree with one another as far as they can be checked from the text.",
  "One open question is left, and it is named at the end of the task itself.",
  "The most recent material carries the most weight here.",
  "The request is clear enough to be run again tomorrow as it stands.",
];

/** A short report that starts with the task's own first words and ends by saying that no model was asked. */
function compose(task: string): string {
  const hash = digest(task);
  const first = (hash[0] ?? 0) % remarks.length;
  const second = (first + 1 + ((hash[1] ?? 0) % (remarks.length - 1))) % remarks.length;
  const words = task.split(/\s+/).filter((word) => word !== "").length;
  return [
    `Report: ${firstLine(task)}`,
    "",
    `1. The task has ${words} ${words === 1 ? "word" : "words"} and was read to its end.`,
    `2. ${remarks[first] ?? ""}`,
    `3. ${remarks[second] ?? ""}`,
    "",
    "(Written by the local stand-in for Anthropic; no model was asked.)",
  ].join("\n");
}

function firstLine(task: string): string {
  const line =
    task
      .replaceAll(/\[\[stand-in:[^\]]*\]\]/g, "")
      .trim()
      .split("\n", 1)[0] ?? "";
  return line.length <= 60 ? line : `${line.slice(0, 59).trimEnd()}…`;
}

function noise(task: string, bytes: number): string {
  let text = "";
  for (let part = 0; text.length < bytes; part++) text += digest(task, part).toString("base64url");
  return text.slice(0, bytes);
}

/** `usage` as the API writes it. `input_tokens` is what was neither read from nor written to the cache. */
export function usageOf(work: Work, split: CacheSplit, outputTokens: number, tier: "batch" | "standard"): Usage {
  return {
    input_tokens: split.uncached,
    cache_creation_input_tokens: split.write5m + split.write1h,
    cache_creation: { ephemeral_5m_input_tokens: split.write5m, ephemeral_1h_input_tokens: split.write1h },
    cache_read_input_tokens: split.read,
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: null,
    service_tier: tier,
    inference_geo: work.inferenceGeo,
    speed: null,
  };
}

export interface Usage {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  cache_read_input_tokens: number;
  output_tokens: number;
  output_tokens_details: { thinking_tokens: number };
  server_tool_use: null;
  service_tier: "batch" | "standard";
  inference_geo: string;
  speed: null;
}
