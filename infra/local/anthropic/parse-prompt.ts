import { invalid } from "./api-error.ts";
import { isList, isObject, type JsonObject, requireList, requireObject, requireString } from "./json.ts";
import { type Block, type Section, type Ttl, tokensOf } from "./prompt.ts";

/** From this version on some shapes that were accepted are refused (migration guide of 2026-10-21). */
export const strictVersion = "2026-10-21";

/** Breakpoints a request may set, the automatic one included (prompt caching guide). */
const maxBreakpoints = 4;

/** Every position of a request's prompt in cache order, checked; throws `invalid_request_error` naming the first field. */
export function parsePrompt(params: JsonObject, version: string): Block[] {
  const messages = parseMessages(params["messages"], version);
  const blocks = [...parseTools(params["tools"]), ...parseSystem(params["system"]), ...messages];
  markAutomatic(blocks, params["cache_control"]);
  checkBreakpoints(blocks);
  return blocks;
}

function parseTools(input: unknown): Block[] {
  if (input === undefined || input === null) return [];
  return requireList(input, "tools").map((item, index) => {
    const path = `tools.${index}`;
    const tool = requireObject(item, path);
    requireString(tool["name"], `${path}.name`);
    const custom = tool["type"] === undefined || tool["type"] === null || tool["type"] === "custom";
    if (custom) requireObject(tool["input_schema"], `${path}.input_schema`);
    return toBlock(tool, { section: "tools", role: "", path });
  });
}

function parseSystem(input: unknown): Block[] {
  if (input === undefined || input === null) return [];
  return parseContent(input, { section: "system", role: "", path: "system" }).map((block) => {
    if (block.type !== "text") throw invalid(`${block.path}.type: Input should be 'text'`);
    return block;
  });
}

function parseMessages(input: unknown, version: string): Block[] {
  const messages = requireList(input, "messages");
  if (messages.length === 0) throw invalid("messages: at least one message is required");
  const blocks = messages.flatMap((item, index) => {
    const path = `messages.${index}`;
    const message = requireObject(item, path);
    const role = requireString(message["role"], `${path}.role`);
    if (!["user", "assistant", "system"].includes(role)) {
      throw invalid(`${path}.role: Input should be 'user', 'assistant' or 'system'`);
    }
    if (index === 0 && role !== "user") throw invalid('messages: first message must use the "user" role');
    for (const key of Object.keys(message)) {
      if (key !== "role" && key !== "content") throw invalid(`${path}.${key}: Extra inputs are not permitted`);
    }
    return parseContent(message["content"], { section: "messages", role, path: `${path}.content`, version });
  });
  checkToolResults(messages);
  return blocks;
}

interface Place {
  section: Section;
  role: string;
  path: string;
  version?: string;
}

function parseContent(input: unknown, place: Place): Block[] {
  const { path } = place;
  if (typeof input === "string") {
    if (input === "") throw invalid(`${path}: text content must be non-empty`);
    return [toBlock({ type: "text", text: input }, place)];
  }
  const items = requireList(input, path);
  // Only an assistant message may be empty: that is what an answer without content looks like when it is sent back.
  if (items.length === 0 && place.role !== "assistant") throw invalid(`${path}: content must be non-empty`);
  return items.map((item, index) => {
    const block = requireObject(item, `${path}.${index}`);
    checkBlock(block, { ...place, path: `${path}.${index}` });
    return toBlock(block, { ...place, path: `${path}.${index}` });
  });
}

function checkBlock(block: JsonObject, { role, path, version }: Place): void {
  const type = requireString(block["type"], `${path}.type`);
  if (type === "text") {
    const text = requireString(block["text"], `${path}.text`);
    if (text === "") throw invalid(`${path}.text: text content blocks must be non-empty`);
  }
  if (version !== strictVersion) return;
  if (type === "document" && role === "assistant")
    throw invalid(`${path}.type: document blocks are not permitted here`);
  const citations = block["citations"];
  if (type === "text" && role === "user" && isList(citations) && citations.length > 0) {
    throw invalid(`${path}.citations: citations are not permitted in user messages`);
  }
}

function toBlock(value: JsonObject, { section, role, path }: Place): Block {
  const { cache_control: control, ...bare } = value;
  const type = typeof value["type"] === "string" ? value["type"] : "tool";
  const text = JSON.stringify(bare);
  const characters = type === "text" && typeof value["text"] === "string" ? value["text"].length : text.length;
  const block: Block = { section, role, path, type, text, tokens: tokensOf(characters) };
  if (control === undefined || control === null) return block;
  if (type.includes("thinking")) throw invalid(`${path}.cache_control: Extra inputs are not permitted`);
  return { ...block, ttl: parseControl(control, `${path}.cache_control`) };
}

function parseControl(input: unknown, path: string): Ttl {
  const control = requireObject(input, path);
  if (control["type"] !== "ephemeral") throw invalid(`${path}.type: Input should be 'ephemeral'`);
  const ttl = control["ttl"] ?? "5m";
  if (ttl !== "5m" && ttl !== "1h") throw invalid(`${path}.ttl: Input should be '5m' or '1h'`);
  return ttl;
}

/** A top-level `cache_control` marks the last block that can be cached. */
function markAutomatic(blocks: Block[], control: unknown): void {
  if (control === undefined || control === null) return;
  const ttl = parseControl(control, "cache_control");
  const last = blocks.findLast((block) => !block.type.includes("thinking"));
  if (last === undefined) return;
  if (last.ttl !== undefined && last.ttl !== ttl) {
    throw invalid(`cache_control: the last block has a cache_control with another ttl ('${last.ttl}')`);
  }
  const marked = blocks.filter((block) => block.ttl !== undefined).length;
  if (last.ttl === undefined && marked >= maxBreakpoints) throw tooMany(marked + 1);
  last.ttl = ttl;
}

function checkBreakpoints(blocks: readonly Block[]): void {
  const marked = blocks.filter((block) => block.ttl !== undefined);
  if (marked.length > maxBreakpoints) throw tooMany(marked.length);
  const short = marked.findIndex((block) => block.ttl === "5m");
  const late = marked.findLast((block, index) => block.ttl === "1h" && short !== -1 && index > short);
  if (late !== undefined) {
    throw invalid(
      `${late.path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block`,
    );
  }
}

function tooMany(found: number) {
  return invalid(`A maximum of ${maxBreakpoints} blocks with cache_control may be provided. Found ${found}.`);
}

/** Each `tool_use` is answered in the very next message, and nothing else is. */
function checkToolResults(messages: readonly unknown[]): void {
  let asked: string[] = [];
  messages.forEach((message, index) => {
    const answered = idsOf(message, "tool_result", "tool_use_id");
    const missing = asked.filter((id) => !answered.includes(id));
    if (missing.length > 0) {
      throw invalid(
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(", ")}`,
      );
    }
    const unasked = answered.find((id) => !asked.includes(id));
    if (unasked !== undefined) {
      throw invalid(`messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unasked}`);
    }
    asked = idsOf(message, "tool_use", "id");
  });
}

function idsOf(message: unknown, type: string, key: string): string[] {
  const content = isObject(message) ? message["content"] : undefined;
  if (!isList(content)) return [];
  return content.flatMap((block) => (isObject(block) && block["type"] === type ? [String(block[key])] : []));
}
