import { describe, expect, it } from "vitest";
import { createAnthropic } from "../../../functions/clients/anthropic.ts";
import { type FederationOptions, federatedKey } from "../../../functions/clients/federated-key.ts";
import { memoryAnthropic } from "../../support/memory-anthropic.ts";
import { memorySecrets } from "../../support/memory-services.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const federation = { organizationId: "org_1", federationRuleId: "fdrl_1", serviceAccountId: "svac_1" };
const baseURL = "https://anthropic.test";
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** The real client over the real exchange, with the stand-in behind both. */
function open(more: Partial<FederationOptions> = {}) {
  const clock = virtualClock();
  const api = memoryAnthropic({ clock, secrets: memorySecrets({}), keys: new Map() });
  const proofs: string[] = [];
  const proveIdentity = async () => {
    const claims = { aud: "https://api.anthropic.com", exp: clock.now() / 1000 + 300, nth: proofs.length };
    proofs.push(["e30", encoded(claims), "signed"].join("."));
    return proofs.at(-1)!;
  };
  const key = federatedKey({ federation, proveIdentity, clock, baseURL, fetch: api.fetch, ...more });
  const client = createAnthropic({ key, baseURL: "http://anthropic.test", fetch: api.fetch });
  const exchanges = () => api.calls.filter(({ url }) => url === "/v1/oauth/token");
  const params = { model: "claude-haiku-5-5", max_tokens: 1, messages: [] };
  const lines = [JSON.stringify({ custom_id: "a", params })];
  const bytes = Buffer.byteLength(lines.join()) + 1;
  const spawn = () => client.createBatch({ lines, bytes, betas: ["one-2026"], timeoutMs: 1_000 });
  return { clock, api, key, client, proofs, exchanges, spawn };
}

describe("a function without a key", () => {
  it("proves who it is, has a token for that, and does with it all that a key is good for, batches too", async () => {
    const { api, client, spawn, proofs, exchanges, clock } = open();
    const made = await spawn();
    if (made.kind !== "accepted") throw new Error(made.kind);
    clock.pass(601);
    const { batches } = await client.listBatches(0);
    const [batch] = batches;
    expect(batch).toMatchObject({ batchId: made.batch.batchId, status: "ended" });
    expect(await client.retrieveBatch(made.batch.batchId)).toEqual(batch);
    expect(await client.results(batch!)).toBeDefined();
    const body = JSON.stringify({
      model: "claude-haiku-5-5",
      max_tokens: 50,
      messages: [{ role: "user", content: "t" }],
    });
    expect(await client.createMessage({ body, betas: [], timeoutMs: 1_000 })).toMatchObject({ kind: "accepted" });
    expect(await client.isServed()).toBe(true);
    expect(JSON.parse(exchanges()[0]!.body)).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: proofs[0],
      federation_rule_id: "fdrl_1",
      organization_id: "org_1",
      service_account_id: "svac_1",
    });
    const [create] = api.calls.filter(({ method, url }) => method === "POST" && url === "/v1/messages/batches");
    expect(create?.headers["anthropic-beta"]).toBe("one-2026,oauth-2025-04-20");
    expect(create?.headers["anthropic-workspace-id"]).toBeUndefined();
  });

  it("has a token for the workspace it names, which every call is then of", async () => {
    const { spawn } = open({ workspaceId: "wrkspc_night" });
    expect(await spawn()).toMatchObject({ kind: "accepted", workspaceId: "wrkspc_night" });
    const { spawn: byRule } = open({ federation: { ...federation, workspaceId: "wrkspc_rule" } });
    expect(await byRule()).toMatchObject({ kind: "accepted", workspaceId: "wrkspc_rule" });
  });

  it("asks for one token however many calls there are, until a minute before its end", async () => {
    const { key, exchanges, clock } = open();
    const tokens = await Promise.all([key.read(), key.read(), key.read()]);
    expect(new Set(tokens).size).toBe(1);
    clock.pass(539);
    expect(await key.read()).toBe(tokens[0]);
    expect(exchanges()).toHaveLength(1);
    clock.pass(1);
    expect(await key.read()).not.toBe(tokens[0]);
    expect(exchanges()).toHaveLength(2);
  });

  it("has another token where one was refused, and makes the call once more, only once", async () => {
    const { api, client, exchanges, clock } = open();
    await client.listBatches(0);
    clock.pass(1);
    api.faults.set({ on: "list", kind: "unauthorized", times: 1 });
    expect((await client.listBatches(0)).complete).toBe(true);
    expect(exchanges()).toHaveLength(2);
    clock.pass(1);
    api.faults.set({ on: "list", kind: "unauthorized", times: 5 });
    const before = api.calls.length;
    await expect(client.listBatches(0)).rejects.toMatchObject({ status: 401 });
    expect(api.calls.slice(before).map(({ url }) => url.split("?")[0])).toEqual([
      "/v1/messages/batches",
      "/v1/oauth/token",
      "/v1/messages/batches",
    ]);
  });

  it("sends nothing where the rule does not know it, which is as if its key was refused", async () => {
    const { api, spawn } = open({ proveIdentity: async () => "e30.e30.unsigned" });
    expect(await spawn()).toMatchObject({ kind: "refused", answer: { status: 401 } });
    expect(api.calls.map(({ url }) => url)).toEqual(["/v1/oauth/token"]);
  });

  it.each([
    [
      "AWS does not answer",
      { proveIdentity: () => Promise.reject(new Error("OutboundWebIdentityFederationDisabled")) },
    ],
    ["the exchange cannot be reached", { fetch: () => Promise.reject(new TypeError("fetch failed")) }],
    ["the exchange fails", { fetch: async () => new Response("{}", { status: 503 }) }],
    ["the exchange answers nonsense", { fetch: async () => new Response("<html>") }],
    ["the exchange has had enough", { fetch: async () => new Response("{}", { status: 429 }) }],
    ["it would be sent in the clear", { baseURL: "http://api.example.com" }],
  ] as [string, Partial<FederationOptions>][])(
    "sends nothing while %s, and tries again at the next call",
    async (_, more) => {
      const { api, spawn } = open(more);
      for (let call = 0; call < 2; call += 1) {
        expect(await spawn()).toMatchObject({ kind: "refused", answer: { status: 0 } });
      }
      expect(api.calls).toEqual([]);
    },
  );

  it("tries the exchange once more after a failure that may pass", async () => {
    const answers = [new Response("", { status: 502 }), Response.json({ access_token: "t", expires_in: 600 })];
    const { key } = open({ fetch: async () => answers.shift()! });
    expect(await key.read()).toBe("t");
  });
});
