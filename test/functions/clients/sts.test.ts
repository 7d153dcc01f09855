import { describe, expect, it } from "vitest";
import { anthropicByLane } from "../../../functions/clients/anthropic-by-lane.ts";
import { identityProver } from "../../../functions/clients/sts.ts";
import { noKey } from "../../../functions/domain/config/index.ts";
import { startStandIn } from "../../../infra/local/anthropic/http.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memorySecrets } from "../../support/memory-services.ts";

const clock = useLocalAws(() => ({}));

const claimsOf = (proof: string) => JSON.parse(Buffer.from(proof.split(".")[1]!, "base64url").toString());

describe("the proof of who a function is", () => {
  it("is for Anthropic alone, and for five minutes", async () => {
    const { aud, iat, exp, sub } = claimsOf(await identityProver()());
    expect([aud, exp - iat]).toEqual(["https://api.anthropic.com", 300]);
    expect(sub).toMatch(/^arn:aws:iam::/);
  });

  it("is an error where AWS gives none", async () => {
    const kept = process.env["AWS_SESSION_TOKEN"];
    process.env["AWS_SESSION_TOKEN"] = "another";
    await expect(identityProver()()).rejects.toThrow("InvalidClientTokenId");
    process.env["AWS_SESSION_TOKEN"] = kept;
  });

  it("is all that a lane needs: STS, the exchange and the batch, each by HTTP", async () => {
    const standIn = await startStandIn({ clock, keys: new Map([["sk-own", "wrkspc_own"]]) });
    const anthropicFor = anthropicByLane({
      secrets: memorySecrets({ "own-key": "sk-own" }),
      secretId: noKey,
      federation: { organizationId: "org", federationRuleId: "fdrl_1" },
      clock,
      baseURL: standIn.url,
    });
    const params = { model: "claude-haiku-5-5", max_tokens: 1, messages: [{ role: "user", content: "t" }] };
    const lines = [JSON.stringify({ custom_id: "a", params })];
    const call = { lines, bytes: Buffer.byteLength(lines.join()) + 1, betas: [], timeoutMs: 10_000 };
    const workspaces = [];
    for (const lane of [{}, { workspaceId: "wrkspc_night" }, { apiKeySecret: "own-key" }]) {
      const made = await anthropicFor(lane).createBatch(call);
      workspaces.push(made.kind === "accepted" ? made.workspaceId : made);
    }
    expect(workspaces).toEqual([expect.stringMatching(/^wrkspc_/), "wrkspc_night", "wrkspc_own"]);
    await standIn.close();
  });
});
