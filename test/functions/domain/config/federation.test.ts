import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../functions/domain/config/index.ts";

const agents = { list: [{ id: "worker" }] };
const read = (anthropic?: unknown) => parseConfig(JSON.stringify({ agents, anthropic }), () => undefined);
const federation = { organizationId: "org", federationRuleId: "fdrl_1" };

describe("the federation with Anthropic", () => {
  it("is none, unless it is written", () => {
    for (const none of [undefined, {}]) {
      const parsed = read(none);
      expect(parsed.ok && parsed.config).not.toHaveProperty("federation");
    }
  });

  it("is as it is written, with a service account and a workspace where it names them", () => {
    expect(read({ federation })).toMatchObject({ ok: true, config: { federation } });
    const more = { ...federation, serviceAccountId: "svac_1", workspaceId: "wrkspc_1" };
    expect(read({ federation: more })).toMatchObject({ config: { federation: more } });
  });

  it.each([
    [{ federation: { organizationId: "org" } }, "anthropic.federation.federationRuleId: is required"],
    [{ federation: { federationRuleId: "fdrl_1" } }, "anthropic.federation.organizationId: is required"],
    [{ federation: { ...federation, organizationId: "" } }, "anthropic.federation.organizationId: must not be empty"],
    [{ federation: { ...federation, apiKey: "sk" } }, "anthropic.federation.apiKey: unknown key"],
    [{ federaton: federation }, "anthropic.federaton: unknown key (did you mean federation?)"],
    [{ federation: "yes" }, "anthropic.federation: must be an object"],
    ["federation", "anthropic: must be an object"],
  ])("is told of where it is wrong: %j", (wrong, problem) => {
    const parsed = read(wrong);
    expect(parsed.ok ? [] : parsed.problems).toContainEqual(expect.stringContaining(problem));
  });
});
