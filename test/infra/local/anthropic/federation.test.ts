import { describe, expect, it } from "vitest";
import { exchangeToken, isFederated, workspaceOfToken } from "../../../../infra/local/anthropic/federation.ts";

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
const proof = (claims: object) => `e30.${encoded(claims)}.x`;
const right = {
  grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  assertion: proof({ aud: "https://api.anthropic.com", exp: 100 }),
  federation_rule_id: "fdrl_1",
  organization_id: "org_1",
};
const betas = ["oauth-2025-04-20", "oidc-federation-2026-04-01"];
const ask = (more: object = {}, by = betas) =>
  exchangeToken({ body: JSON.stringify({ ...right, ...more }), betas: by, now: 50_000 }, "wrkspc_1");

describe("the stand-in's exchange of tokens", () => {
  it("gives one for ten minutes, for the workspace that was named or the usual one", () => {
    const { access_token, ...rest } = ask();
    expect(rest).toEqual({ token_type: "Bearer", expires_in: 600 });
    const token = String(access_token);
    expect(isFederated(token)).toBe(true);
    expect(workspaceOfToken(token, betas, 649_999)).toBe("wrkspc_1");
    expect(workspaceOfToken(String(ask({ workspace_id: "wrkspc_2" })["access_token"]), betas, 0)).toBe("wrkspc_2");
    expect(() => workspaceOfToken(token, betas, 650_000)).toThrow("expired");
    expect(() => workspaceOfToken(token, [], 0)).toThrow("oauth-2025-04-20 is required");
  });

  it.each([
    [{ grant_type: "password" }, "grant_type"],
    [{ organization_id: undefined }, "organization_id"],
    [{ federation_rule_id: 7 }, "federation_rule_id"],
    [{ scope: "all" }, "scope"],
    [{ assertion: "x".repeat(20_000) }, "assertion"],
    [{ assertion: "nothing" }, "no federation rule"],
    [{ assertion: proof({ aud: "https://api.example.com", exp: 100 }) }, "no federation rule"],
    [{ assertion: proof({ aud: "https://api.anthropic.com", exp: 50 }) }, "no federation rule"],
  ])("is as strict as the real one: %j", (wrong, message) => {
    expect(() => ask(wrong)).toThrow(message);
  });

  it("wants its beta named", () => {
    expect(() => ask({}, ["oauth-2025-04-20"])).toThrow("oidc-federation-2026-04-01 is required");
  });
});
