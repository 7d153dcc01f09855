import { describe, expect, it } from "vitest";
import { requestsOf } from "../../support/batches.ts";
import { testWorld } from "../../support/world.ts";

/** 600 tokens by the stand-in's count, where the model caches 512. */
const system = "You are the night shift. ".repeat(100).slice(0, 2_400);
const agents = {
  list: [
    { id: "batched", name: "The batched one", system, cacheRetention: "auto" },
    { id: "live", system, cacheRetention: "auto", routing: "realtime" },
    { id: "brief", system: "Be brief.", cacheRetention: "auto" },
    { id: "own", system: [{ type: "text", text: system, cache_control: { type: "ephemeral", ttl: "1h" } }] },
    { id: "dear", system, model: "claude-tomorrow", cacheRetention: "auto" },
  ],
};

interface Described {
  agentId: string;
  auto: { choice: string; why: string; basedOn: number; hitRate?: { short: number; long: number } };
}

function setUp(options: Parameters<typeof testWorld>[0] = {}) {
  const world = testWorld({ config: { agents }, ...options });
  const describeAgents = async (): Promise<Described[]> =>
    ((await (await world.http("/api/agents")).json()) as { agents: Described[] }).agents;
  const autoOf = async (id: string) => (await describeAgents()).find(({ agentId }) => agentId === id)?.auto;
  return { world, describeAgents, autoOf };
}

/** The markers of the newest request that the API received. */
function newestMarkers(world: ReturnType<typeof testWorld>): unknown[] {
  const bodies = world.api.calls.filter(({ method }) => method === "POST").map(({ body }) => body);
  const found: unknown[] = [];
  JSON.stringify(JSON.parse(bodies.at(-1) ?? "{}"), (key, value: unknown) =>
    key === "cache_control" ? found.push(value) : value,
  );
  return found;
}
const short = { type: "ephemeral" };
const long = { type: "ephemeral", ttl: "1h" };

describe("GET /api/agents", () => {
  it("shows each agent, its setting, what auto would choose now, and why", async () => {
    const { describeAgents } = setUp();
    const [first, , third, fourth, fifth] = await describeAgents();
    expect(first).toMatchObject({
      agentId: "batched",
      name: "The batched one",
      model: "claude-haiku-5-5",
      routing: "batch",
      lane: "default",
      cacheRetention: "auto",
      prefixTokens: 800,
      auto: { choice: "short", why: "short, until something is known of its requests", basedOn: 0 },
    });
    expect(third?.auto).toMatchObject({ choice: "none", why: expect.stringContaining("caches 512 or more") });
    expect(fourth).toMatchObject({ cacheRetention: "short", auto: { why: expect.stringContaining("its own") } });
    expect(fifth?.auto).toMatchObject({ choice: "short", why: expect.stringContaining("not known") });
  });

  it("takes nothing but GET", async () => {
    expect((await setUp().world.http("/api/agents", { method: "POST" })).status).toBe(405);
  });
});

describe("auto, as the API receives it", () => {
  it("marks only what requests share, with what was chosen at acceptance", async () => {
    const { world, autoOf } = setUp();
    for (let call = 0; call < 4; call += 1) {
      await world.accept("Now.", { agentId: "live" });
      await world.ticks(1);
      world.pass(20 * 60);
    }
    expect(newestMarkers(world)).toEqual([long]);
    const auto = await autoOf("live");
    expect(auto).toMatchObject({ choice: "long", basedOn: 4 });
    expect(auto?.why).toMatch(/^long: .*100 % within the hour|^long: .*\d\d % within the hour/);
  });

  it("is none for an agent whose batches are far apart, and knows it from their results", async () => {
    const { world, autoOf } = setUp();
    for (let day = 0; day < 3; day += 1) {
      await world.accept("Write the report.");
      await world.ticks(15);
      world.pass(24 * 3600);
    }
    expect(await autoOf("batched")).toMatchObject({ choice: "none", basedOn: 3 });
    expect(requestsOf(world).at(-1)?.params["system"]).toBe(system);
    expect(newestMarkers(world)).toEqual([]);
  });

  it("knows what was read and written: of a batch's requests, and of a call", async () => {
    const { world } = setUp({
      config: {
        agents: { list: [{ id: "worker", system, cacheRetention: "long" }] },
        lanes: [{ id: "default", priming: "off" }],
      },
    });
    for (let batch = 0; batch < 2; batch += 1) {
      await world.accept("One.");
      await world.accept("Two.");
      await world.ticks(13);
    }
    await world.accept("Now.", { routing: "realtime" });
    await world.ticks(1);
    const runs = world.table.items().filter(({ sk }) => sk.startsWith("RUN#"));
    expect(runs.map(({ pk }) => pk.replace(/^CACHE#worker#/, ""))).toEqual(
      expect.arrayContaining(["batch#claude-haiku-5-5", "realtime#claude-haiku-5-5"]),
    );
    const batched = runs.filter(({ pk }) => pk.includes("#batch#"));
    expect(batched).toMatchObject([
      { requests: 2, read: 0, written5m: 0 },
      { requests: 2, read: 1_202 },
    ]);
    expect(batched[0]?.["written1h"]).toBeGreaterThanOrEqual(1_200);
  });

  it("may be asked for by a request, and stays what it was for a repeat", async () => {
    const { world } = setUp({ config: { agents: { list: [{ id: "worker", system, cacheRetention: "none" }] } } });
    await world.accept("Write the report.", { cacheRetention: "auto" });
    await world.ticks(1);
    expect(newestMarkers(world)).toEqual([short]);
  });
});
