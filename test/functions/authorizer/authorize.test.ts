import { describe, expect, it, vi } from "vitest";
import { authorize } from "../../../functions/authorizer/authorize.ts";
import { sha256 } from "../../../functions/domain/ids.ts";
import { loginStore } from "../../../functions/store/logins.ts";
import { token } from "../../support/ports.ts";
import { ownerVerdict } from "../../support/rooms.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const right = `Bearer ${token}`;
const wrong = "Bearer not-the-token";

describe("the authorizer", () => {
  it.each([right, `bearer ${token}`, `BEARER   ${token} `])("knows who holds the token: %j", async (header) => {
    expect(await testWorld().authorize(header, "1.2.3.4")).toEqual(ownerVerdict);
  });

  it.each([
    ["none", "missing", undefined],
    ["an empty one", "missing", ""],
    ["another token", "unknown", wrong],
    ["the token without its scheme", "missing", token],
    ["another scheme", "missing", `Basic ${token}`],
    ["part of the token", "unknown", `Bearer ${token.slice(0, -1)}`],
    ["more than the token", "unknown", `${right}x`],
    ["two tokens", "missing", `${right} ${token}`],
  ])("knows nobody by %s, and logs why", async (_name, reason, header) => {
    const world = testWorld();
    expect(await world.authorize(header, "1.2.3.4")).toEqual({ refusal: "unauthorized" });
    expect(world.logs).toEqual([{ code: "login_failed", fields: { failures: 1, reason } }]);
  });

  it("tells an address to wait after ten failures in a minute, and for how long", async () => {
    const world = testWorld();
    world.pass(18);
    for (let failure = 1; failure <= 10; failure += 1)
      expect(await world.authorize(wrong, "1.2.3.4")).toEqual({ refusal: "unauthorized" });
    expect(await world.authorize(wrong, "1.2.3.4")).toEqual({ refusal: "rate_limited", retryAfterSeconds: 42 });
    expect(await world.authorize(undefined, "1.2.3.4")).toMatchObject({ refusal: "rate_limited" });
  });

  it("never refuses a valid token, whatever its address has tried", async () => {
    const world = testWorld();
    for (let failure = 1; failure <= 20; failure += 1) await world.authorize(wrong, "1.2.3.4");
    expect(await world.authorize(right, "1.2.3.4")).toEqual(ownerVerdict);
  });

  it("begins anew with the next minute", async () => {
    const world = testWorld();
    for (let failure = 1; failure <= 11; failure += 1) await world.authorize(wrong, "1.2.3.4");
    world.pass(60);
    expect(await world.authorize(wrong, "1.2.3.4")).toEqual({ refusal: "unauthorized" });
  });

  it("counts one address apart from another", async () => {
    const world = testWorld();
    for (let failure = 1; failure <= 11; failure += 1) await world.authorize(wrong, "1.2.3.4");
    expect(await world.authorize(wrong, "5.6.7.8")).toEqual({ refusal: "unauthorized" });
  });

  it("counts failures that come at once, each of them", async () => {
    const world = testWorld();
    const verdicts = await Promise.all(Array.from({ length: 15 }, () => world.authorize(wrong, "1.2.3.4")));
    expect(verdicts.filter((verdict) => "retryAfterSeconds" in verdict)).toHaveLength(5);
  });

  it("keeps no token, right or wrong, in the log or in the table", async () => {
    const world = testWorld();
    await world.authorize(wrong, "1.2.3.4");
    await world.authorize(right, "1.2.3.4");
    expect(JSON.stringify([world.logs, world.table.items()])).not.toMatch(/not-the-token|the-token-of/);
  });

  it("lets what it counted expire", async () => {
    const world = testWorld();
    await world.authorize(wrong, "1.2.3.4");
    const [item] = world.table.items();
    expect(Number(item?.["expiresAt"]) * 1000).toBeGreaterThan(world.clock.now() + 60_000);
  });
});

describe("a token that was made", () => {
  const make = async (world: TestWorld, more: object = {}) => {
    const asked = { name: "ci", scopes: ["spawn", "read"], agents: ["worker"], ...more };
    const answer = await world.http("/api/tokens", { method: "POST", body: JSON.stringify(asked) });
    return (await answer.json()) as { token: string; id: string };
  };
  const revoke = (world: TestWorld, id: string) => world.http(`/api/tokens/${id}`, { method: "DELETE" });
  const login = (world: TestWorld, text: string) => world.authorize(`Bearer ${text}`, "1.2.3.4");
  const ci = { client: "ci", scopes: "spawn read", agents: "worker" };

  it("is good at once, for what it was made for", async () => {
    const world = testWorld();
    const { token: text } = await make(world);
    expect(await login(world, text)).toEqual(ci);
    expect(world.codes()).toEqual(["token_created"]);
  });

  it("is one client with another of its name: both are good, while the one is replaced by the other", async () => {
    const world = testWorld();
    const [old, young] = [await make(world), await make(world, { agents: "*" })];
    expect(await login(world, old.token)).toEqual(ci);
    expect(await login(world, young.token)).toEqual({ ...ci, agents: "*" });
    await revoke(world, old.id);
    world.pass(30);
    expect(await login(world, old.token)).toEqual({ refusal: "unauthorized" });
    expect(await login(world, young.token)).toMatchObject({ client: "ci" });
  });

  it("is over within 60 seconds of being revoked, wherever it was used before", async () => {
    const world = testWorld();
    const { token: text, id } = await make(world);
    await login(world, text);
    await revoke(world, id);
    world.pass(30);
    expect(await login(world, text)).toEqual({ refusal: "unauthorized" });
    expect(world.logs.at(-1)).toEqual({
      code: "login_failed",
      fields: { failures: 1, reason: "revoked", tokenId: id },
    });
  });

  it("costs one read in half a minute, however often it is used", async () => {
    const world = testWorld();
    const { token: text } = await make(world);
    await login(world, text);
    const asked = vi.spyOn(world.table, "get");
    for (let call = 0; call < 100; call += 1) await login(world, text);
    expect(asked).not.toHaveBeenCalled();
  });

  it("is over the moment it expires, remembered or not", async () => {
    const world = testWorld();
    const { token: text, id } = await make(world, { expiresInSeconds: 20 });
    world.pass(19);
    expect(await login(world, text)).toEqual({ ...ci, endsAt: world.clock.now() + 1_000 });
    world.pass(1);
    expect(await login(world, text)).toEqual({ refusal: "unauthorized" });
    expect(world.logs.at(-1)?.fields).toEqual({ failures: 1, reason: "expired", tokenId: id });
  });

  it("is nothing without its secret, and is not told from one that never was", async () => {
    const world = testWorld();
    const { token: text, id } = await make(world);
    const other = `${text.slice(0, -1)}${text.endsWith("y") ? "z" : "y"}`;
    for (const guess of [other, text.slice(0, -1), `offpeak_${id}_`, `offpeak_${"0".repeat(26)}_${"x".repeat(43)}`]) {
      expect(await login(world, guess)).toEqual({ refusal: "unauthorized" });
      expect(world.logs.at(-1)?.fields["reason"]).toBe("unknown");
      expect(world.logs.at(-1)?.fields).not.toHaveProperty("tokenId");
    }
  });

  it.each(["unknown", "expired", "revoked"])("counts failures by %s ones too, and slows them down", async (how) => {
    const world = testWorld();
    const { token: text, id } = await make(world, { expiresInSeconds: 60 });
    if (how === "revoked") await revoke(world, id);
    if (how === "expired") world.pass(60);
    const tried = how === "unknown" ? text.replace(id, id.replace(/.$/, "0")) : text;
    for (let failure = 1; failure <= 10; failure += 1) await login(world, tried);
    expect(await login(world, tried)).toMatchObject({ refusal: "rate_limited" });
    expect(new Set(world.logs.map(({ fields }) => fields["reason"]))).toContain(how);
  });

  it("is in the table and in the log only as its hash, or not at all", async () => {
    const world = testWorld();
    const { token: text } = await make(world);
    await login(world, text);
    const secret = text.split("_").slice(2).join("_");
    expect(JSON.stringify([world.logs, world.table.items()])).not.toContain(secret);
    expect(JSON.stringify(world.table.items())).toContain(sha256(secret));
  });

  it("leaves the deployment's own token as it was", async () => {
    const world = testWorld();
    await make(world);
    expect(await login(world, token)).toEqual(ownerVerdict);
  });
});

describe("the deployment's own token", () => {
  it("that was replaced is over within 60 seconds, and the next one is good at once", async () => {
    const world = testWorld();
    const values = { now: token };
    let cached = { value: "", readAt: Number.NEGATIVE_INFINITY };
    const secrets = {
      async get(_secretId: string, maxAgeSeconds = 300) {
        if (world.clock.now() >= cached.readAt + maxAgeSeconds * 1000)
          cached = { value: values.now, readAt: world.clock.now() };
        return cached.value;
      },
      forget() {},
    };
    const { clock, table } = world;
    const deps = { secrets, tokenSecretId: "", tokens: world.deps.tokens, logins: loginStore(table, clock), clock };
    const login = (text: string) =>
      authorize({ authorization: `Bearer ${text}`, address: "1.2.3.4" }, { ...deps, log: () => {} });
    expect(await login(token)).toEqual(ownerVerdict);
    values.now = "the-next-token-of-the-tests";
    world.pass(10);
    expect(await login(values.now)).toEqual(ownerVerdict);
    world.pass(31);
    expect(await login(token)).toEqual({ refusal: "unauthorized" });
  });

  it("that was replaced is over within 60 seconds, where nobody has used the next one yet", async () => {
    const world = testWorld();
    const ages: (number | undefined)[] = [];
    const secrets = {
      async get(_secretId: string, maxAgeSeconds?: number) {
        ages.push(maxAgeSeconds);
        return token;
      },
      forget() {},
    };
    const { clock, table } = world;
    const deps = { secrets, tokenSecretId: "", tokens: world.deps.tokens, logins: loginStore(table, clock), clock };
    await authorize({ authorization: right, address: "1.2.3.4" }, { ...deps, log: () => {} });
    expect(ages).toEqual([30]);
  });
});
