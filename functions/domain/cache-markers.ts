import { estimatedTokens, minCacheTokens } from "./cache-minimum.ts";
import type { CacheRetention } from "./config/index.ts";
import { RawJson } from "./raw-json.ts";

/** How one request is marked. */
export interface Marking {
  retention: CacheRetention;
  /** Not the task: unless somebody follows it up at once, nobody reads it again, and its write is paid all the same. */
  prefixOnly?: boolean;
}

type Marker = { type: "ephemeral"; ttl?: "1h" };
type Params = Record<string, unknown>;

/**
 * Marks the stable prefix (the system prompt, or the tools where there is none) and the last user message, as OpenClaw
 * does, but nothing that is too short for the model to cache. An agent that places markers of its own keeps them, and gets
 * none of ours: at most 4 are allowed, longer TTLs first. With `none` there is no marker at all.
 */
export function withCacheMarkers(params: Params, { retention, prefixOnly = false }: Marking): Params {
  if (retention === "none") return withoutMarkers(params);
  if (hasOwnMarkers(params)) return params;
  const marker: Marker = retention === "long" ? { type: "ephemeral", ttl: "1h" } : { type: "ephemeral" };
  const prefixBytes = bytesOfPrefix(params);
  const marked = isCached(params, prefixBytes) ? withMarkedPrefix(params, marker) : params;
  const { messages } = params;
  if (prefixOnly || !Array.isArray(messages) || !isCached(params, prefixBytes + bytesOfMessages(messages)))
    return marked;
  return { ...marked, messages: markLastUser(messages, marker) };
}

const maxMarkers = 4;

/** What the API would find wrong with an agent's own markers, once a batch has ended; `undefined` where nothing is. */
export function markersProblem({ tools, system, cache_control }: Params): string | undefined {
  const markers = [...markersIn(tools), ...markersIn(system), ...markersIn([{ cache_control }])];
  if (markers.length > maxMarkers) return `has ${markers.length} cache markers, and the API takes ${maxMarkers}`;
  const isLong = markers.map((marker) => isObject(marker) && marker["ttl"] === "1h");
  const isOrdered = isLong.every((long, index) => !long || isLong.slice(0, index).every((before) => before));
  return isOrdered ? undefined : "has a cache marker of an hour after one of 5 minutes, which the API refuses";
}

function markersIn(blocks: unknown): unknown[] {
  if (!Array.isArray(blocks)) return [];
  return blocks.flatMap((block) =>
    isObject(block) && block["cache_control"] !== undefined ? [block["cache_control"]] : [],
  );
}

export function hasOwnMarkers({ cache_control, system, tools }: Params): boolean {
  return cache_control !== undefined || hasMarkers(system) || hasMarkers(tools);
}

/** UTF-8 bytes of what every request of an agent begins with: its tools and its system prompt. */
export function bytesOfPrefix({ tools, system }: Params): number {
  return (Array.isArray(tools) && tools.length > 0 ? bytesOf(tools) : 0) + bytesOf(system);
}

/** Whether the model caches a prompt of that many bytes, as far as can be told before it is sent. */
export function isCached({ model }: Params, bytes: number): boolean {
  const name = typeof model === "string" ? model : "";
  return bytes > 0 && estimatedTokens(bytes, name) >= minCacheTokens(name);
}

function bytesOf(content: unknown): number {
  if (content === undefined) return 0;
  if (content instanceof RawJson) return Buffer.byteLength(content.text);
  return Buffer.byteLength(typeof content === "string" ? content : JSON.stringify(content));
}

function bytesOfMessages(messages: readonly unknown[]): number {
  const contents = messages.map((message) => (isObject(message) ? message["content"] : undefined));
  return contents.reduce<number>((sum, content) => sum + bytesOf(content), 0);
}

function withMarkedPrefix(params: Params, marker: Marker): Params {
  const { system, tools } = params;
  return system === undefined
    ? { ...params, tools: markLast(tools, marker) }
    : { ...params, system: markLast(system, marker) };
}

const isObject = (value: unknown): value is Params => typeof value === "object" && value !== null;

function hasMarkers(blocks: unknown): boolean {
  return Array.isArray(blocks) && blocks.some((block) => isObject(block) && "cache_control" in block);
}

function withoutMarkers(params: Params): Params {
  if (!hasOwnMarkers(params)) return params;
  const { cache_control: _, ...rest } = params;
  const bare = (blocks: unknown): unknown =>
    hasMarkers(blocks) && Array.isArray(blocks) ? blocks.map(withoutMarker) : blocks;
  const { system, tools } = rest;
  return {
    ...rest,
    ...(system === undefined ? {} : { system: bare(system) }),
    ...(tools === undefined ? {} : { tools: bare(tools) }),
  };
}

function withoutMarker(block: unknown): unknown {
  if (!isObject(block)) return block;
  const { cache_control: _, ...rest } = block;
  return rest;
}

/** A string becomes one text block; of a list of blocks the last is marked. */
function markLast(content: unknown, marker: Marker): unknown {
  if (typeof content === "string") return [{ type: "text", text: content, cache_control: marker }];
  if (!Array.isArray(content)) return content;
  return content.map((block: unknown, index) =>
    index === content.length - 1 && isObject(block) ? { ...block, cache_control: marker } : block,
  );
}

/** Answers are never marked: their thinking blocks may not be. */
function markLastUser(messages: readonly unknown[], marker: Marker): unknown[] {
  const last = messages.at(-1);
  if (!isObject(last) || last["role"] !== "user") return [...messages];
  return [...messages.slice(0, -1), { ...last, content: markLast(last["content"], marker) }];
}
