import { describe, expect, it } from "vitest";
import { caller, modelAt, params, run } from "./helpers.ts";

function ask(task: string, more: Record<string, unknown> = {}) {
  const { model, pass } = modelAt();
  return run(model, pass, params(task, more))[0]!.result;
}

describe("an answer", () => {
  it("starts with the task's first line and is the same each time", () => {
    const first = ask("Summarise the night's incidents.\nBe brief.").message;
    expect(first?.content[0]?.text).toMatch(/^Report: Summarise the night's incidents\.\n/);
    expect(first?.stop_reason).toBe("end_turn");
    expect(ask("Summarise the night's incidents.\nBe brief.").message).toEqual(first);
  });

  it("is cut at max_tokens and at a stop sequence", () => {
    const short = ask("long task", { max_tokens: 3 }).message;
    expect(short).toMatchObject({
      stop_reason: "max_tokens",
      content: [{ text: "Report: long" }],
      usage: { output_tokens: 3 },
    });
    const stopped = ask("x", { stop_sequences: ["2.", "1."] }).message;
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "1." });
  });

  it("starts with a signed thinking block on models that always think", () => {
    const content = ask("x", { model: "claude-opus-5-5" }).message?.content;
    expect(content?.map((block) => block.type)).toEqual(["thinking", "text"]);
  });
});

describe("a directive in the task", () => {
  it.each([
    ["refusal", { stop_reason: "refusal", stop_details: { type: "refusal" } }],
    ["max_tokens", { stop_reason: "max_tokens" }],
    ["context_window", { stop_reason: "model_context_window_exceeded" }],
    ["tool_use", { stop_reason: "tool_use", content: [{ type: "text" }, { type: "tool_use", name: "read_file" }] }],
    ["thinking", { content: [{ type: "thinking" }, { type: "text" }] }],
    ["answer forty two", { content: [{ text: "forty two" }], stop_reason: "end_turn" }],
  ])("%s decides how it succeeds", (directive, expected) => {
    expect(ask(`do [[stand-in: ${directive}]]`)).toMatchObject({ type: "succeeded", message: expected });
  });

  it.each([
    ["errored api_error", "api_error", "The task asked"],
    ["errored overloaded_error", "overloaded_error", "The task asked"],
    ["credit", "invalid_request_error", "Your credit balance is too low"],
    ["usage_limit", "invalid_request_error", "You have reached your specified API usage limits"],
    ["nonsense", "invalid_request_error", 'the stand-in knows no directive "nonsense"'],
  ])("%s makes it fail", (directive, type, message) => {
    const { error } = ask(`[[stand-in: ${directive}]]`);
    expect(error?.error).toMatchObject({ type, message: expect.stringContaining(message) });
  });

  it("fails only the first times it is told to", () => {
    const { model, pass } = modelAt();
    const item = params("[[stand-in: errored overloaded_error times 2]]");
    const types = [1, 2, 3].map(() => run(model, pass, item)[0]?.result.type);
    expect(types).toEqual(["errored", "errored", "succeeded"]);
  });

  it("can make a line that is no message, and an answer of any size", () => {
    expect(ask("[[stand-in: malformed]]").message).toEqual({ id: null, content: "?" });
    expect(ask("[[stand-in: answer_bytes 700000]]").message?.content[0]?.text).toHaveLength(700_000);
  });

  it("pauses, and goes on only with the answer as it was", () => {
    const { model, pass } = modelAt();
    const user = { role: "user", content: "research [[stand-in: pause_turn 2]]" };
    const turns: object[] = [user];
    const next = () => {
      const message = run(model, pass, params("", { messages: turns }))[0]!.result.message!;
      turns.push({ role: "assistant", content: message.content });
      return message.stop_reason;
    };
    expect([next(), next(), next()]).toEqual(["pause_turn", "pause_turn", "end_turn"]);
    const changed = turns.slice(0, 2).map((turn) => JSON.parse(JSON.stringify(turn).replace("part 1", "part I")));
    expect(run(model, pass, params("", { messages: changed }))[0]?.result.error?.error.message).toContain("signature");
  });
});

describe("a real-time call", () => {
  const { model } = modelAt();
  const call = (body: object) => model.createMessage(JSON.stringify(body), caller);

  it("answers like a batch does, at the standard tier, after its own time", () => {
    const { message, afterMs } = call(params("hello"));
    expect(message).toMatchObject({ role: "assistant", stop_reason: "end_turn", usage: { service_tier: "standard" } });
    expect(afterMs).toBe(1000);
    expect(model.bill()).toHaveLength(1);
  });

  it("refuses at once what a batch would only find at its end, and bills nothing", () => {
    expect(() => call(params("x", { temperature: 1 }))).toThrow("temperature");
    expect(() => call(params("x", { model: "gone" }))).toThrow(expect.objectContaining({ status: 404 }));
    expect(() => call(params("[[stand-in: errored overloaded_error]]"))).toThrow(
      expect.objectContaining({ status: 529 }),
    );
    expect(model.bill()).toHaveLength(1);
  });

  it("warms a cache with max_tokens 0", () => {
    expect(call(params("x", { max_tokens: 0 })).message).toMatchObject({ content: [], usage: { output_tokens: 0 } });
  });

  it("counts tokens as answers are billed", () => {
    expect(model.countTokens(JSON.stringify({ ...params("x".repeat(400)), max_tokens: undefined }), caller)).toEqual({
      input_tokens: 100,
    });
  });
});
