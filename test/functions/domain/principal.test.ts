import { describe, expect, it } from "vitest";
import { RequestError } from "../../../functions/domain/errors.ts";
import { principalFrom } from "../../../functions/domain/principal.ts";

function refusal(verdict: unknown): RequestError {
  try {
    principalFrom(verdict);
  } catch (error) {
    if (error instanceof RequestError) return error;
  }
  throw new Error("it was let in");
}

describe("the verdict of the authorizer", () => {
  it("lets in whoever it names", () => {
    expect(principalFrom({ client: "default" })).toEqual({ client: "default" });
  });

  it("refuses a wrong token with 401, and says how to send a right one", () => {
    const error = refusal({ refusal: "unauthorized" });
    expect(error).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
    expect(error.message).toContain("Authorization: Bearer");
  });

  it("makes an address that failed too often wait, with 429 and the time in seconds", () => {
    const error = refusal({ refusal: "rate_limited", retryAfterSeconds: 42 });
    expect(error).toMatchObject({ status: 429, headers: { "retry-after": "42" } });
  });

  it.each([
    undefined,
    null,
    {},
    "default",
    { client: "" },
    { client: 7 },
    { refusal: "because" },
    { refusal: "rate_limited" },
  ])("that is none means no entry: %j", (verdict) => {
    expect(refusal(verdict).status).toBe(401);
  });
});
