import { describe, expect, it } from "vitest";
import type { Principal } from "../../../functions/domain/principal.ts";
import {
  checkMayGrant,
  formatToken,
  isWithin,
  parseToken,
  parseTokenBody,
  type Token,
  type TokenRequest,
  tokenState,
} from "../../../functions/domain/token.ts";

const id = "01KAJ8Z3M4N5P6Q7R8S9T0V1W2";
const secret = "aZ0_-".repeat(9).slice(0, 43);
const token: Token = {
  id,
  hash: "",
  name: "ci",
  scopes: ["read"],
  agents: ["worker"],
  createdAt: 0,
  createdBy: "owner",
};

describe("a token", () => {
  it("has its id and its secret in it, and can be taken apart again", () => {
    expect(parseToken(formatToken(id, secret))).toEqual({ id, secret });
  });

  it.each([
    "",
    "offpeak-of-an-older-kind",
    `offpeak_${id}`,
    `offpeak_${id}_${secret}x`,
    `offpeak_${id.toLowerCase()}_${secret}`,
    `offpeak_${"U".repeat(26)}_${secret}`,
    `xoffpeak_${id}_${secret}`,
  ])("is not every text: %s", (text) => {
    expect(parseToken(text)).toBeUndefined();
  });

  it("is live until it ends, and revoked for good", () => {
    expect(tokenState(token, 1e15)).toBe("live");
    expect([tokenState({ ...token, endsAt: 10 }, 9), tokenState({ ...token, endsAt: 10 }, 10)]).toEqual([
      "live",
      "expired",
    ]);
    expect(tokenState({ ...token, endsAt: 10, revokedAt: 5 }, 20)).toBe("revoked");
  });
});

describe("the request for a token", () => {
  const right = { name: "ci", scopes: ["spawn", "read"], agents: ["worker"], expiresInSeconds: 60 };

  it("is taken as it is, with all agents or with some", () => {
    expect(parseTokenBody(right)).toEqual({ ok: true, value: right });
    expect(parseTokenBody({ ...right, agents: "*" })).toMatchObject({ ok: true });
  });

  it.each([
    ["name", { name: "owner" }],
    ["name", { name: "cron" }],
    ["name", { name: "eventbridge" }],
    ["name", { name: "" }],
    ["name", { name: "two words" }],
    ["name", { name: "x".repeat(65) }],
    ["name", { name: undefined }],
    ["scopes", { scopes: [] }],
    ["scopes", { scopes: "read" }],
    ["scopes[0]", { scopes: ["everything"] }],
    ["scopes", { scopes: ["read", "read"] }],
    ["agents", { agents: [] }],
    ["agents", { agents: "worker" }],
    ["agents[0]", { agents: ["two words"] }],
    ["agents", { agents: ["worker", "worker"] }],
    ["agents", { agents: Array.from({ length: 51 }, (_, index) => `agent-${index}`) }],
    ["expiresInSeconds", { expiresInSeconds: 0 }],
    ["expiresInSeconds", { expiresInSeconds: 1.5 }],
    ["expiresInSeconds", { expiresInSeconds: "90d" }],
    ["expires", { expires: "90d" }],
  ])("names %s where that is wrong: %j", (path, wrong) => {
    const parsed = parseTokenBody({ ...right, ...wrong });
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toContain(path);
  });

  it("is never about a name under which others are known already", () => {
    const parsed = parseTokenBody({ ...right, name: "owner" });
    expect(parsed.ok ? "" : parsed.problems[0]?.message).toBe("must not be one of owner, cron, eventbridge");
  });
});

describe("whoever makes a token", () => {
  const asker: Principal = { client: "lead", scopes: ["admin", "read"], agents: ["worker", "digest"] };
  const asked: TokenRequest = { name: "ci", scopes: ["read"], agents: ["worker"] };
  const refusal = (request: TokenRequest, by: Principal) => {
    try {
      return { granted: checkMayGrant(request, by, 1_000) };
    } catch (error) {
      return error;
    }
  };

  it("gives what they have, or less", () => {
    expect(checkMayGrant({ ...asked, expiresInSeconds: 60 }, asker, 1_000)).toBe(61_000);
    expect(checkMayGrant(asked, asker, 1_000)).toBeUndefined();
  });

  it.each<[string, Partial<TokenRequest>]>([
    ["scopes", { scopes: ["read", "spawn"] }],
    ["agents", { agents: ["worker", "live"] }],
    ["agents", { agents: "*" }],
  ])("gives no more %s than they have: %j", (param, more) => {
    expect(refusal({ ...asked, ...more }, asker)).toMatchObject({ status: 403, param });
  });

  it("gives none that outlasts their own", () => {
    const ending = { ...asker, endsAt: 61_000 };
    expect(refusal({ ...asked, expiresInSeconds: 60 }, ending)).toEqual({ granted: 61_000 });
    expect(refusal({ ...asked, expiresInSeconds: 61 }, ending)).toMatchObject({
      status: 403,
      param: "expiresInSeconds",
    });
    expect(refusal(asked, ending)).toMatchObject({ status: 403, param: "expiresInSeconds" });
  });

  it("sees those that they could have made", () => {
    expect(isWithin(token, asker)).toBe(true);
    expect(isWithin({ ...token, agents: "*" }, asker)).toBe(false);
    expect(isWithin({ ...token, agents: ["live"] }, asker)).toBe(false);
    expect(isWithin({ ...token, scopes: ["spawn"] }, asker)).toBe(false);
    expect(isWithin({ ...token, agents: "*" }, { ...asker, agents: "*" })).toBe(true);
  });
});
