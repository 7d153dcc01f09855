import { describe, expect, it } from "vitest";
import { CorruptRecordError, checkSameBody, RequestError, toErrorResponse } from "../../../functions/domain/errors.ts";

describe("the response to an error", () => {
  it.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [405, "method_not_allowed"],
    [409, "conflict_error"],
    [413, "request_too_large"],
    [429, "rate_limit_error"],
    [503, "unavailable_error"],
  ] as const)("has status %i as %s", (status, type) => {
    const { body, ...rest } = toErrorResponse(new RequestError(status, "why"));
    expect(rest).toEqual({ status, headers: {} });
    expect(body).toEqual({ error: { type, message: "why" } });
  });

  it("names the field and carries the headers, where there are any", () => {
    const error = new RequestError(400, "must not be empty", { param: "task", headers: { "retry-after": "1" } });
    const response = toErrorResponse(error);
    expect(response.body.error).toEqual({ type: "invalid_request_error", message: "must not be empty", param: "task" });
    expect(response.headers).toEqual({ "retry-after": "1" });
  });

  it.each([new Error("the key is sk-secret"), new CorruptRecordError("META", "sk-secret"), "sk-secret", undefined])(
    "says not a word of an error of ours",
    (error) => {
      const response = toErrorResponse(error);
      expect(response).toMatchObject({ status: 500, body: { error: { type: "api_error" } } });
      expect(JSON.stringify(response)).not.toContain("sk-secret");
    },
  );
});

describe("the errors themselves", () => {
  it("say in a log what they are", () => {
    expect(new RequestError(404, "no such session").name).toBe("RequestError");
    expect(new CorruptRecordError("session 1", "turn is missing")).toMatchObject({
      name: "CorruptRecordError",
      message: "session 1: turn is missing",
    });
  });
});

describe("one key with two bodies", () => {
  it("is a conflict that names the key, and with one body is none", () => {
    expect(() => checkSameBody("a", "a")).not.toThrow();
    expect(() => checkSameBody("a", "b")).toThrow(expect.objectContaining({ status: 409, param: "Idempotency-Key" }));
  });
});
