import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  contentOf,
  errorOutcome,
  type Outcome,
  parkReason,
  parseMessage,
  parseResultLine,
  type Result,
} from "../../../functions/domain/outcome.ts";
import { manifestId, sessionId } from "./support.ts";

const customId = `${sessionId}_1_${manifestId}`;
const usage = { input_tokens: 10, output_tokens: 5 };
const content = [{ type: "text", text: "All quiet." }];
const message = (differently: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5-20251001",
  content,
  stop_reason: "end_turn",
  usage,
  ...differently,
});
const succeeded = (differently: object = {}) => ({ type: "succeeded", message: message(differently) });
/** As Anthropic nests it: the error of an errored result is `result.error.error`. */
const errored = (error: unknown) => ({ type: "errored", error: { type: "error", error, request_id: null } });

function resultOf(result: unknown): Result {
  const parsed = parseResultLine(JSON.stringify({ custom_id: customId, result }));
  if (parsed.kind !== "ours") throw new Error(`the line is ${parsed.kind}`);
  return parsed.result;
}
const outcomeOf = (result: unknown): Outcome => resultOf(result).outcome;

describe("a result that succeeded", () => {
  it.each(["end_turn", "stop_sequence"])("with %s is done", (stop_reason) => {
    const expected = { kind: "answer", status: "done", stopReason: stop_reason, truncated: false };
    expect(outcomeOf(succeeded({ stop_reason }))).toEqual(expected);
  });

  it.each(["max_tokens", "model_context_window_exceeded"])(
    "with %s is done, and says that it is cut",
    (stop_reason) => {
      const expected = { kind: "answer", status: "done", stopReason: stop_reason, truncated: true };
      expect(outcomeOf(succeeded({ stop_reason }))).toEqual(expected);
    },
  );

  it("with refusal has failed, with the model's own explanation", () => {
    const stop_details = { category: "cyber", explanation: "This asks for an exploit." };
    expect(outcomeOf(succeeded({ stop_reason: "refusal", stop_details }))).toEqual({
      kind: "answer",
      status: "failed",
      stopReason: "refusal",
      truncated: false,
      error: { type: "refusal", message: "This asks for an exploit." },
    });
  });

  it.each([
    [{ category: "cyber", explanation: null }, "cyber"],
    [{ category: null }, "the model declined to answer"],
    [null, "the model declined to answer"],
    [undefined, "the model declined to answer"],
    ["words of a later version", "the model declined to answer"],
  ])("with refusal and the details %j says: %s", (stop_details, said) => {
    const outcome = outcomeOf(succeeded({ stop_reason: "refusal", stop_details }));
    expect(outcome).toMatchObject({ status: "failed", error: { type: "refusal", message: said } });
  });

  it("with pause_turn goes on in a next turn", () => {
    expect(outcomeOf(succeeded({ stop_reason: "pause_turn" }))).toEqual({ kind: "continue", stopReason: "pause_turn" });
  });

  it("with tool_use has failed, and says why", () => {
    const outcome = outcomeOf(succeeded({ stop_reason: "tool_use" }));
    expect(outcome).toMatchObject({ kind: "answer", status: "failed", stopReason: "tool_use", truncated: false });
    expect(outcome).toMatchObject({ error: { type: "tool_use", message: expect.stringContaining("tool") } });
  });

  it("with a reason that is not known yet is done, and passes the reason on", () => {
    const expected = { kind: "answer", status: "done", stopReason: "moon_phase", truncated: false };
    expect(outcomeOf(succeeded({ stop_reason: "moon_phase" }))).toEqual(expected);
  });

  it("without a reason is done as at the end of a turn", () => {
    expect(outcomeOf(succeeded({ stop_reason: null }))).toMatchObject({ status: "done", stopReason: "end_turn" });
  });

  it("is billed, with model, usage and place of inference", () => {
    const result = resultOf(succeeded({ usage: { ...usage, inference_geo: "us", service_tier: "batch" } }));
    expect(result).toMatchObject({
      type: "succeeded",
      billed: true,
      model: "claude-haiku-4-5-20251001",
      inferenceGeo: "us",
      usage: { input: 10, output: 5 },
    });
  });

  it.each([
    ["null", null],
    ["absent", undefined],
    ["null in every field", { input_tokens: null, output_tokens: null }],
  ])("is billed though its usage is %s, and has none rather than 0", (_, unread) => {
    const result = resultOf(succeeded({ usage: unread, model: null }));
    expect(result).toMatchObject({ billed: true, outcome: { status: "done" } });
    expect(result).not.toHaveProperty("usage");
    expect(result).not.toHaveProperty("model");
    expect(result).not.toHaveProperty("inferenceGeo");
  });

  it("takes null among the figures for 0", () => {
    const nulls = { ...usage, cache_read_input_tokens: null, cache_creation: null, inference_geo: null };
    expect(resultOf(succeeded({ usage: nulls })).usage).toMatchObject({ input: 10, cacheRead: 0, cacheWrite: 0 });
  });
});

describe("a result that did not succeed", () => {
  const notBilled = [{ type: "canceled" }, { type: "expired" }, errored({ type: "api_error", message: "Oops" })];
  it.each(notBilled)("is not billed: $type", (result) => {
    expect(resultOf(result)).toMatchObject({ type: result.type, billed: false });
    expect(resultOf(result)).not.toHaveProperty("usage");
  });

  it("errored with invalid_request_error is wrong for good", () => {
    const error = { type: "invalid_request_error", message: "max_tokens: Field required" };
    expect(outcomeOf(errored(error))).toEqual({ kind: "refused", error });
  });

  it("errored with not_found_error, a model that does not exist, is wrong for good", () => {
    const error = { type: "not_found_error", message: "model: claude-9" };
    expect(outcomeOf(errored(error))).toEqual({ kind: "refused", error });
  });

  it.each(["api_error", "overloaded_error", "rate_limit_error", "timeout_error", "an_error_of_tomorrow"])(
    "errored with %s is worth another attempt",
    (type) => {
      expect(outcomeOf(errored({ type, message: "Later" }))).toEqual({
        kind: "again",
        error: { type, message: "Later" },
      });
    },
  );

  it("errored without type or message is worth another attempt", () => {
    const expected = { kind: "again", error: { type: "api_error", message: "no message" } };
    expect(outcomeOf(errored({ type: null, message: null }))).toEqual(expected);
    expect(outcomeOf(errored({}))).toEqual(expected);
  });

  it.each([
    ["Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.", "credit"],
    ["You have reached your specified API usage limits. You will regain access on 2026-12-01.", "spend_limit"],
    ["You have reached your specified workspace API usage limits.", "spend_limit"],
  ])("errored as an invalid request about money waits, and burns no attempt: %s", (said, reason) => {
    const error = { type: "invalid_request_error", message: said };
    expect(outcomeOf(errored(error))).toEqual({ kind: "park", reason, error });
  });

  it("that only quotes such words is wrong for good", () => {
    const said = 'messages.0: "Your credit balance is too low" is not a role';
    expect(outcomeOf(errored({ type: "invalid_request_error", message: said }))).toMatchObject({ kind: "refused" });
  });

  it.each([
    ["billing_error", "billing"],
    ["permission_error", "permission"],
    ["authentication_error", "authentication"],
  ])("errored with %s waits: %s", (type, reason) => {
    expect(outcomeOf(errored({ type, message: "No" }))).toMatchObject({ kind: "park", reason });
  });

  it("expired is worth another attempt", () => {
    expect(outcomeOf({ type: "expired" })).toMatchObject({ kind: "again", error: { type: "expired" } });
  });

  it("canceled says so, and leaves it to the session whether that was asked for", () => {
    expect(outcomeOf({ type: "canceled" })).toEqual({ kind: "canceled" });
  });

  it("reads its details where they are an object, and does without them where they are not", () => {
    const parked = { type: "invalid_request_error", message: "No", details: { error_code: "organization_on_hold" } };
    expect(outcomeOf(errored(parked))).toMatchObject({ kind: "park", reason: "organization" });
    expect(outcomeOf(errored({ ...parked, details: "organization_on_hold" }))).toMatchObject({ kind: "refused" });
    expect(outcomeOf(errored({ ...parked, details: null }))).toMatchObject({ kind: "refused" });
  });
});

describe("the reason to wait", () => {
  it.each([
    ["enforced_spend_limit_reached", "spend_limit"],
    ["contract_spend_limit_reached", "spend_limit"],
    ["organization_on_hold", "organization"],
    ["cmek_key_disabled", "organization"],
    ["claude_code_key_creator_not_member", "organization"],
  ])("is read from the code %s before the type", (error_code, reason) => {
    expect(parkReason({ type: "invalid_request_error", message: "No", details: { error_code } })).toBe(reason);
    expect(parkReason({ type: "permission_error", message: "No", details: { error_code } })).toBe(reason);
  });

  it("is none for a plain error, nor for words that every object inherits", () => {
    expect(parkReason({ type: "invalid_request_error", message: "No" })).toBeUndefined();
    expect(parkReason({})).toBeUndefined();
    for (const word of ["constructor", "toString", "__proto__"]) {
      expect(parkReason({ type: word, details: { error_code: word } }), word).toBeUndefined();
      expect(errorOutcome({ type: word, message: "No" }), word).toMatchObject({ kind: "again" });
    }
  });
});

describe("a line of a result file", () => {
  it("names the session, the turn and the manifest it answers", () => {
    const line = JSON.stringify({ custom_id: customId, result: { type: "expired" } });
    expect(parseResultLine(line)).toMatchObject({ kind: "ours", id: { sessionId, turn: 1, manifestId } });
  });

  it("that names no manifest of ours is foreign", () => {
    const line = JSON.stringify({ custom_id: "request-1", result: succeeded() });
    expect(parseResultLine(line)).toEqual({ kind: "foreign", customId: "request-1" });
  });

  const whole = JSON.stringify({ custom_id: customId, result: succeeded() });
  it.each([
    ["empty", ""],
    ["cut off", whole.slice(0, -10)],
    ["not JSON", "<html>Bad gateway</html>"],
    ["a list", "[]"],
    ["null", "null"],
    ["without a custom_id", JSON.stringify({ result: succeeded() })],
  ])("that is %s is garbled", (_, line) => {
    expect(parseResultLine(line)).toEqual({ kind: "garbled" });
  });

  it.each([
    ["without a result", JSON.stringify({ custom_id: customId })],
    ["of a type that is not known", JSON.stringify({ custom_id: customId, result: { type: "postponed" } })],
    ["succeeded without a message", JSON.stringify({ custom_id: customId, result: { type: "succeeded" } })],
    ["succeeded without content", JSON.stringify({ custom_id: customId, result: succeeded({ content: null }) })],
    [
      "errored with the error not nested",
      JSON.stringify({
        custom_id: customId,
        result: { type: "errored", error: { type: "api_error", message: "Oops" } },
      }),
    ],
  ])("that is ours and %s fails alone, and may have been paid for", (_, line) => {
    expect(parseResultLine(line)).toMatchObject({
      kind: "ours",
      result: { billed: true, outcome: { kind: "refused", error: { type: "unreadable_result" } } },
    });
  });

  it("never throws, whatever it holds", () => {
    fc.assert(fc.property(fc.string(), (line) => void parseResultLine(line)));
    fc.assert(fc.property(fc.json(), (line) => void parseResultLine(line)));
    const anyResult = fc.record({
      type: fc.constantFrom("succeeded", "errored"),
      message: fc.jsonValue(),
      error: fc.jsonValue(),
    });
    fc.assert(
      fc.property(anyResult, (result) => void parseResultLine(JSON.stringify({ custom_id: customId, result }))),
    );
  });
});

describe("a real-time answer", () => {
  it("is judged as a line of a batch is", () => {
    for (const stop_reason of ["end_turn", "max_tokens", "refusal", "pause_turn", "tool_use", null, "moon_phase"]) {
      expect(parseMessage(JSON.stringify(message({ stop_reason })))).toEqual(resultOf(succeeded({ stop_reason })));
    }
  });

  it.each([
    "",
    "<html>",
    "{}",
    "null",
    JSON.stringify(succeeded()),
    JSON.stringify({ type: "error", error: { type: "api_error" } }),
  ])("that is no message is nothing: %s", (text) => {
    expect(parseMessage(text)).toBeUndefined();
  });
});

describe("the content of an answer", () => {
  const odd = [
    { type: "thinking", thinking: "", signature: "abc=" },
    { type: "block_of_tomorrow", x: [1, null] },
    ...content,
  ];

  it("is the blocks as they were received, of a line and of a message alike", () => {
    const line = JSON.stringify({ custom_id: customId, result: succeeded({ content: odd }) });
    expect(contentOf(line)).toEqual(odd);
    expect(contentOf(JSON.stringify(message({ content: odd })))).toEqual(odd);
  });

  it("is written again byte for byte, unknown blocks and empty fields included", () => {
    expect(JSON.stringify(contentOf(JSON.stringify(message({ content: odd }))))).toBe(JSON.stringify(odd));
  });

  it("is nothing where there is no answer", () => {
    expect(contentOf(JSON.stringify({ custom_id: customId, result: { type: "expired" } }))).toBeUndefined();
    expect(contentOf("not JSON")).toBeUndefined();
  });
});
