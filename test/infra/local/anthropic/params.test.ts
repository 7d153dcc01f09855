import { describe, expect, it } from "vitest";
import { parseParams, type Rules } from "../../../../infra/local/anthropic/params.ts";
import { signedThinking } from "../../../../infra/local/anthropic/signature.ts";
import { cached, params } from "./helpers.ts";

const batch: Rules = { version: "2026-10-21", betas: [], batch: true };
const single: Rules = { ...batch, batch: false };
const control = { cache_control: { type: "ephemeral" } };
const text = (value: string, more: object = {}) => ({ type: "text", text: value, ...more });

describe("what is inside params", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["no model", { model: undefined }, "model: Field required"],
    ["an unknown model", { model: "claude-nonexistent" }, "model: claude-nonexistent"],
    ["no max_tokens", { max_tokens: undefined }, "max_tokens: Field required"],
    ["max_tokens of 0", { max_tokens: 0 }, "max_tokens: Input should be greater than or equal to 1"],
    ["half a token", { max_tokens: 1.5 }, "max_tokens: Input should be a valid integer"],
    ["more than the model gives", { max_tokens: 128_001 }, "max_tokens: 128001 > 128000"],
    ["no messages", { messages: [] }, "messages: at least one message is required"],
    [
      "an empty text",
      { messages: [{ role: "user", content: "" }] },
      "messages.0.content: text content must be non-empty",
    ],
    ["an unknown role", { messages: [{ role: "tool", content: "x" }] }, "messages.0.role: Input should be"],
    ["an answer first", { messages: [{ role: "assistant", content: "x" }] }, "first message must use the"],
    [
      "a block without a type",
      { messages: [{ role: "user", content: [{}] }] },
      "messages.0.content.0.type: Field required",
    ],
    ["a stream", { stream: true }, "stream: streaming is not supported in batches"],
    ["a speed", { speed: "standard" }, "speed: this parameter is not supported in batches"],
    ["fallbacks", { fallbacks: [] }, "fallbacks: Extra inputs are not permitted"],
    ["betas in the body", { betas: ["x"] }, "betas: Extra inputs are not permitted"],
    ["an unknown key", { maxTokens: 1 }, "maxTokens: Extra inputs are not permitted"],
    ["a temperature", { temperature: 1 }, "temperature: this parameter is not supported in version 2026-10-21"],
    ["a tool without a schema", { tools: [{ name: "x" }] }, "tools.0.input_schema: Field required"],
    [
      "an unknown ttl",
      { cache_control: { type: "ephemeral", ttl: "2h" } },
      "cache_control.ttl: Input should be '5m' or '1h'",
    ],
    ["a wrong geo", { inference_geo: "mars" }, "inference_geo: Input should be"],
  ])("refuses %s", (_, change, message) => {
    const input = { ...params("do it"), ...change };
    expect(() => parseParams(JSON.parse(JSON.stringify(input)), batch)).toThrow(message);
  });

  it("says not_found_error of an unknown model and invalid_request_error of everything else", () => {
    expect(() => parseParams(params("x", { model: "claude-9" }), batch)).toThrow(
      expect.objectContaining({ type: "not_found_error", status: 404 }),
    );
  });

  it("takes a temperature under the older version, and max_tokens 0 outside a batch", () => {
    expect(parseParams(params("x", { temperature: 0.5 }), { ...batch, version: "2023-06-01" }).task).toBe("x");
    expect(parseParams(params("x", { max_tokens: 0 }), single).maxTokens).toBe(0);
  });

  it("gives 300,000 tokens only in a batch with the beta header and a model that has it", () => {
    const long = { ...batch, betas: ["output-300k-2026-03-24"] };
    const input = params("x", { model: "claude-opus-5-5", max_tokens: 300_000 });
    expect(parseParams(input, long).maxTokens).toBe(300_000);
    expect(() => parseParams(input, batch)).toThrow("max_tokens");
    expect(() => parseParams(input, { ...long, batch: false })).toThrow("max_tokens");
  });

  it("wants each tool_use answered in the next message", () => {
    const call = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "x", input: {} }] };
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "ok" }] };
    const ask = { role: "user", content: "go" };
    expect(parseParams(params("", { messages: [ask, call, result] }), batch).blocks).toHaveLength(3);
    expect(() => parseParams(params("", { messages: [ask, call, ask] }), batch)).toThrow("without `tool_result`");
    expect(() => parseParams(params("", { messages: [ask, result] }), batch)).toThrow("unexpected `tool_use_id`");
  });
});

describe("cache breakpoints", () => {
  const system = (count: number) => Array.from({ length: count }, (_, index) => text(`part ${index}`, control));

  it("are four at most, the automatic one included", () => {
    expect(() => parseParams(params("x", { system: system(5) }), batch)).toThrow("Found 5");
    expect(() => parseParams(params("x", { system: system(4), ...control }), batch)).toThrow("Found 5");
    const marked = parseParams(params("x", { system: system(3), ...control }), batch).blocks.map((block) => block.ttl);
    expect(marked).toEqual(["5m", "5m", "5m", "5m"]);
  });

  it("have the longer ttl first", () => {
    const short = {
      messages: [{ role: "user", content: [text("x", { cache_control: { type: "ephemeral", ttl: "1h" } })] }],
    };
    expect(() => parseParams({ ...params(""), system: cached(10, "5m"), ...short }, batch)).toThrow(
      "must not come after",
    );
    expect(parseParams({ ...params("x"), system: cached(10, "1h"), ...control }, batch).blocks).toHaveLength(2);
  });

  it("do not contradict the automatic one", () => {
    const messages = [{ role: "user", content: [text("x", control)] }];
    const automatic = { cache_control: { type: "ephemeral", ttl: "1h" } };
    expect(() => parseParams({ ...params(""), messages, ...automatic }, batch)).toThrow("another ttl");
  });
});

describe("a thinking block", () => {
  const ask = { role: "user", content: "research this" };
  const prompt = parseParams(params("", { messages: [ask], system: "Be brief." }), batch).blocks;
  const rest = [text("Looking.", { citations: null })];
  const thinking = signedThinking(prompt, rest);
  const again = (content: object[], system = "Be brief.") =>
    parseParams(params("", { system, messages: [ask, { role: "assistant", content }] }), batch);

  it("comes back byte for byte, or not at all", () => {
    expect(again([thinking, ...rest]).blocks).toHaveLength(4);
    expect(again(rest).blocks).toHaveLength(3);
  });

  it.each([
    ["another system prompt", () => again([thinking, ...rest], "Be long.")],
    ["a changed answer", () => again([thinking, text("Looked.")])],
    ["another order of keys", () => again([thinking, { text: "Looking.", type: "text", citations: null }])],
    ["a made-up thought", () => again([{ ...thinking, thinking: "hm" }, ...rest])],
    ["a missing signature", () => again([{ type: "thinking", thinking: "" }, ...rest])],
  ])("is refused with %s", (_, send) => {
    expect(send).toThrow("Invalid `signature` in `thinking` block");
  });
});
