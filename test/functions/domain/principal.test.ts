import { describe, expect, it } from "vitest";
import { RequestError } from "../../../functions/domain/errors.ts";
import {
  checkAccess,
  checkAgent,
  includesAgent,
  principalFrom,
  verdictOn,
} from "../../../functions/domain/principal.ts";

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
    const verdict = { client: "ci", scopes: "spawn read", agents: "worker digest", endsAt: 7 };
    const principal = { client: "ci", scopes: ["spawn", "read"], agents: ["worker", "digest"], endsAt: 7 } as const;
    expect(principalFrom(verdict)).toEqual(principal);
    expect(verdictOn(principal)).toEqual(verdict);
  });

  it("of nothing means nothing: no scope, no agent", () => {
    expect(principalFrom({ client: "ci", scopes: "", agents: "" })).toEqual({ client: "ci", scopes: [], agents: [] });
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
    { client: "ci" },
    { client: "", scopes: "read", agents: "*" },
    { client: 7, scopes: "read", agents: "*" },
    { client: "ci", scopes: "read everything", agents: "*" },
    { client: "ci", scopes: "read" },
    { refusal: "because" },
    { refusal: "rate_limited" },
  ])("that is none means no entry: %j", (verdict) => {
    expect(refusal(verdict).status).toBe(401);
  });
});

describe("what a token is good for", () => {
  const reader = { client: "ci", scopes: ["read"], agents: ["worker"] } as const;

  it("is its scopes: without the one that is needed it is told which", () => {
    expect(() => checkAccess(reader, { scope: "read" })).not.toThrow();
    expect(() => checkAccess(reader, { scope: "cancel" })).toThrow('this token lacks the scope "cancel"');
  });

  it("is not what covers all agents, unless it is for all of them", () => {
    expect(() => checkAccess(reader, { scope: "read", ofAllAgents: true })).toThrow("all agents");
    expect(() => checkAccess({ ...reader, agents: "*" }, { scope: "read", ofAllAgents: true })).not.toThrow();
  });

  it("is its agents: another one is refused, whether it exists or not", () => {
    expect([includesAgent("*", "any"), includesAgent(["one"], "one"), includesAgent(["one"], "on")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(() => checkAgent(["worker", "digest"], "live")).toThrow("agentId: this token is for worker, digest only");
    expect(() => checkAgent("*", "live")).not.toThrow();
  });
});
