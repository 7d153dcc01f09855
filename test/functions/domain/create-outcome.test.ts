import { describe, expect, it } from "vitest";
import { classifyCreateRefusal, type RefusedAnswer } from "../../../functions/domain/create-outcome.ts";
import { contentRefusalBytes } from "../../../functions/domain/limits.ts";

const small = 10_000;
const large = contentRefusalBytes;

const answer = (status: number, type: string, message: string, error_code?: string): RefusedAnswer => ({
  status,
  error: { type, message, ...(error_code === undefined ? {} : { details: { error_code } }) },
});
const invalid = (message: string, error_code?: string) => answer(400, "invalid_request_error", message, error_code);
/** What a proxy answers: no JSON of Anthropic's. */
const html = (status: number): RefusedAnswer => ({ status, error: undefined });

describe("a create call that was refused for its content", () => {
  it("is one about a request of the batch, though it speaks of a queue", () => {
    const message = "requests.0.params.metadata: a processing queue is no metadata";
    expect(classifyCreateRefusal(invalid(message), small)).toEqual({ kind: "content", message });
  });

  it("is a 400 about the body: it will never be taken as it is", () => {
    const message = "requests.0.custom_id: String should have at most 64 characters";
    expect(classifyCreateRefusal(invalid(message), small)).toEqual({ kind: "content", message });
  });

  it("is a 413 on a body that may be too large, as JSON or as a proxy's page", () => {
    const tooLarge = answer(413, "request_too_large", "Request exceeds the maximum size");
    expect(classifyCreateRefusal(tooLarge, large)).toEqual({
      kind: "content",
      message: "Request exceeds the maximum size",
    });
    expect(classifyCreateRefusal(html(413), large)).toEqual({ kind: "content", message: "HTTP 413" });
  });
});

describe("a create call that was refused with nothing wrong in it", () => {
  it.each([
    [invalid("Your credit balance is too low to access the Anthropic API."), "credit"],
    [invalid("You have reached your specified API usage limits."), "spend_limit"],
    [invalid("You have reached your specified workspace API usage limits."), "spend_limit"],
    [invalid("This organization is on hold.", "organization_on_hold"), "organization"],
    [invalid("The key is disabled.", "cmek_key_disabled"), "organization"],
    [invalid("Not a member.", "claude_code_key_creator_not_member"), "organization"],
    [answer(401, "authentication_error", "invalid x-api-key"), "authentication"],
    [answer(402, "billing_error", "Payment required"), "billing"],
    [answer(403, "permission_error", "No access"), "permission"],
    [answer(404, "not_found_error", "Not found"), "batches_unavailable"],
    [answer(429, "rate_limit_error", "Too many requests"), "rate_limit"],
    [answer(429, "rate_limit_error", "Spend limit", "enforced_spend_limit_reached"), "spend_limit"],
    [answer(429, "rate_limit_error", "Ramp", "ramp_limit_exceeded"), "rate_limit"],
    [answer(429, "rate_limit_error", "Too many requests in the processing queue of your organization."), "queue_full"],
    [invalid("Your organization has reached its limit of queued batch requests."), "queue_full"],
    [html(401), "authentication"],
    [html(402), "billing"],
    [html(403), "permission"],
    [html(404), "batches_unavailable"],
    [html(429), "rate_limit"],
  ])("parks its lane: %j", (refused, reason) => {
    const expected = { kind: "park", reason, message: refused.error?.message ?? `HTTP ${refused.status}` };
    expect(classifyCreateRefusal(refused, small)).toEqual(expected);
    expect(classifyCreateRefusal(refused, large)).toEqual(expected);
  });

  it("parks for as long as the answer asks, where it does", () => {
    const refused = answer(429, "rate_limit_error", "Too many requests");
    expect(classifyCreateRefusal({ ...refused, retryAfterSeconds: 30 }, small)).toMatchObject({
      retryAfterSeconds: 30,
    });
    expect(classifyCreateRefusal(refused, small)).not.toHaveProperty("retryAfterSeconds");
  });
});

describe("a create call that may have made a batch", () => {
  it.each([408, 409, 412, 418, 422, 431, 499, 500, 501, 502, 503, 504, 520, 529, 302])(
    "is one that was answered %i, with a body or without",
    (status) => {
      const refused = answer(status, "api_error", "Internal server error");
      expect(classifyCreateRefusal(refused, small)).toEqual({ kind: "unknown", message: "Internal server error" });
      expect(classifyCreateRefusal(html(status), large)).toEqual({ kind: "unknown", message: `HTTP ${status}` });
    },
  );

  it("is one that was answered 5xx even when the words are about money", () => {
    const refused = answer(500, "billing_error", "Your credit balance is too low");
    expect(classifyCreateRefusal(refused, small)).toMatchObject({ kind: "unknown" });
  });

  it("is one with a small body that was called too large: some proxy spoke", () => {
    expect(classifyCreateRefusal(html(413), contentRefusalBytes - 1)).toMatchObject({ kind: "unknown" });
    const tooLarge = answer(413, "request_too_large", "Request exceeds the maximum size");
    expect(classifyCreateRefusal(tooLarge, small)).toMatchObject({ kind: "unknown" });
  });

  it("is one that was answered 400 by something that is not Anthropic", () => {
    expect(classifyCreateRefusal(html(400), small)).toEqual({ kind: "unknown", message: "HTTP 400" });
  });
});
