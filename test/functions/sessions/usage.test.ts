import { describe, expect, it } from "vitest";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const get = async (world: TestWorld, path: string, init?: RequestInit) => {
  const response = await world.http(path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
};
const usage = async (world: TestWorld, query = ""): Promise<Json> => {
  const { status, text } = await get(world, `/api/usage${query}`);
  expect(status, text).toBe(200);
  return JSON.parse(text);
};
const costOf = async (world: TestWorld, sessionId: string): Promise<Json> =>
  JSON.parse((await get(world, `/api/sessions/${sessionId}`)).text).cost;

async function worked() {
  const world = testWorld();
  const sessions = [
    await world.accept("Batched.", { label: "sea" }),
    await world.accept("Batched as well.", { label: "sea, deep" }),
    await world.accept("Now.", { agentId: "live" }),
  ];
  await world.ticks(40);
  return { world, sessions };
}

describe("GET /api/usage", () => {
  it("adds up to what its sessions cost", async () => {
    const { world, sessions } = await worked();
    const costs = await Promise.all(sessions.map((sessionId) => costOf(world, sessionId)));
    const sum = (name: string) => costs.reduce((total, cost) => total + cost[name], 0);
    const { totals, pending } = await usage(world);
    expect(totals).toMatchObject({ results: 3, missing: 0, wastedUsd: 0 });
    for (const name of ["totalUsd", "realtimeUsd", "savedUsd"]) expect(totals[name]).toBeCloseTo(sum(name), 15);
    expect(totals.savedUsd).toBeGreaterThan(0);
    expect(pending).toBe(0);
  });

  it.each([
    ["agent", ["live", "worker"]],
    ["lane", ["default"]],
    ["label", [null, "sea", "sea, deep"]],
    ["model", ["claude-haiku-5-5"]],
    ["cronJob", [null]],
  ])("is grouped by %s, and every group has its part", async (groupBy, names) => {
    const { world } = await worked();
    const { totals, groups } = await usage(world, `?groupBy=${groupBy}`);
    expect(new Set(groups.map((group: Json) => group[groupBy]))).toEqual(new Set(names));
    expect(groups.reduce((sum: number, group: Json) => sum + group.results, 0)).toBe(totals.results);
  });

  it("is by day of the last thirty, unless it is asked otherwise", async () => {
    const { world } = await worked();
    const today = new Date(world.clock.now()).toISOString().slice(0, 10);
    const { from, to, groupBy, groups } = await usage(world);
    expect([to, groupBy, groups.length, groups[0].day]).toEqual([today, "day", 1, today]);
    expect((Date.parse(to) - Date.parse(from)) / 86_400_000).toBe(29);
  });

  it("knows only the days it is asked about", async () => {
    const { world } = await worked();
    expect((await usage(world, "?from=2026-01-01&to=2026-01-31")).totals).toMatchObject({ results: 0, totalUsd: 0 });
    const today = new Date(world.clock.now()).toISOString().slice(0, 10);
    expect((await usage(world, `?from=${today}&to=${today}`)).totals.results).toBe(3);
  });

  it("says how much is yet to be summed", async () => {
    const world = testWorld();
    await world.accept("Now.", { agentId: "live" });
    await world.workRealtime();
    expect(await usage(world)).toMatchObject({ pending: 1, totals: { results: 0 } });
  });

  it("is CSV where that is asked for, in the query or by what is accepted", async () => {
    const { world } = await worked();
    const asked = await get(world, "/api/usage?groupBy=label&format=csv");
    const accepted = await get(world, "/api/usage?groupBy=label", { headers: { accept: "text/csv;q=0.9" } });
    expect(asked.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(accepted.text).toBe(asked.text);
    expect(asked.text).toMatch(/^label,results,missing,/);
    expect(asked.text).toContain('\r\n"sea, deep",1,0,');
  });

  it("reads an item a day, however many sessions there were", async () => {
    const { world } = await worked();
    const watched = world.crashing({ at: () => false, when: "before" });
    await watched.process.run(async () => (await watched.http("/api/usage")).text());
    expect(watched.process.trace.filter((what) => what.startsWith("table."))).toHaveLength(4);
  });

  it.each([
    ["?groupBy=color", "groupBy"],
    ["?from=2026-02-30", "from"],
    ["?to=yesterday", "to"],
    ["?from=2026-11-20&to=2026-11-19", "from"],
    ["?from=2020-01-01&to=2026-01-01", "from"],
    ["?format=xml", "format"],
    ["?form=2026-01-01", "form"],
  ])("refuses %s", async (query, param) => {
    const { status, text } = await get(testWorld(), `/api/usage${query}`);
    expect([status, JSON.parse(text).error.param]).toEqual([400, param]);
  });

  it("takes GET only, and its rebuild POST only", async () => {
    const world = testWorld();
    expect((await get(world, "/api/usage", { method: "POST" })).status).toBe(405);
    expect((await get(world, "/api/usage/rebuild")).status).toBe(405);
  });
});
