import { describe, expect, it } from "vitest";
import { token } from "../../support/ports.ts";
import { testWorld } from "../../support/world.ts";

const right = `Bearer ${token}`;
const wrong = "Bearer not-the-token";

describe("the authorizer", () => {
  it.each([right, `bearer ${token}`, `BEARER   ${token} `])("knows who holds the token: %j", async (header) => {
    expect(await testWorld().authorize(header, "1.2.3.4")).toEqual({ client: "owner" });
  });

  it.each([
    ["none", undefined],
    ["an empty one", ""],
    ["another token", wrong],
    ["the token without its scheme", token],
    ["another scheme", `Basic ${token}`],
    ["part of the token", `Bearer ${token.slice(0, -1)}`],
    ["more than the token", `${right}x`],
    ["two tokens", `${right} ${token}`],
  ])("knows nobody by %s", async (_name, header) => {
    const world = testWorld();
    expect(await world.authorize(header, "1.2.3.4")).toEqual({ refusal: "unauthorized" });
    expect(world.logs).toEqual([{ code: "login_failed", fields: { failures: 1 } }]);
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
    expect(await world.authorize(right, "1.2.3.4")).toEqual({ client: "owner" });
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
