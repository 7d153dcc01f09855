import { describe, expect, it } from "vitest";
import type { Advice } from "../../../functions/domain/advice.ts";
import { testWorld } from "../../support/world.ts";

/** 25,000 tokens, so that little work shows. */
const system = "You are the night shift. ".repeat(4_000);
const agents = {
  list: [
    { id: "live", model: "claude-opus-5", system, routing: "realtime", cacheRetention: "short" },
    { id: "clever", model: "claude-opus-5", system, cacheRetention: "auto" },
  ],
};

describe("GET /api/advice", () => {
  it("says what a cache setting and real time cost too much, from the books and the arrivals", async () => {
    const world = testWorld({ config: { agents } });
    for (let call = 0; call < 4; call += 1) {
      await world.accept("Now.");
      await world.ticks(2);
      world.pass(20 * 60);
    }
    await world.ticks(3);
    const answer = await world.http("/api/advice");
    expect(answer.status).toBe(200);
    const { advice, from, to } = (await answer.json()) as { advice: Advice[]; from: string; to: string };
    expect(Object.fromEntries(advice.map(({ kind, change }) => [kind, change]))).toEqual({
      cache: 'agents.list[live].cacheRetention: "auto"',
      routing: 'agents.list[live].routing: "batch"',
    });
    for (const { usdPerMonth } of advice) expect(usdPerMonth).toBeGreaterThan(1);
    expect([from, to]).toEqual(["2026-10-24", "2026-11-22"]);
  });

  it("has none where nothing was spent", async () => {
    const world = testWorld({ config: { agents } });
    expect(await (await world.http("/api/advice")).json()).toMatchObject({ advice: [] });
  });

  it("takes GET, and no parameter", async () => {
    const world = testWorld();
    expect((await world.http("/api/advice", { method: "POST" })).status).toBe(405);
    expect((await world.http("/api/advice?from=2026-11-01")).status).toBe(400);
  });
});
