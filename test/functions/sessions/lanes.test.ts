import { describe, expect, it } from "vitest";
import { sessionsApp } from "../../../functions/sessions/http.ts";
import { ownerVerdict } from "../../support/rooms.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const agents = { list: [{ id: "worker", cacheRetention: "none" }] };
const lanesOf = async (world: TestWorld): Promise<Json> => {
  const response = await world.http("/api/lanes");
  expect(response.status).toBe(200);
  const body: Json = JSON.parse(await response.text());
  return { ...body, ...Object.fromEntries(body.lanes.map((lane: Json) => [lane.lane, lane])) };
};

describe("GET /api/lanes", () => {
  it("shows every lane of the configuration, also one that has nothing to do", async () => {
    const world = testWorld();
    const { at, atLeast, lanes } = await lanesOf(world);
    expect([at, atLeast]).toEqual([new Date(world.clock.now()).toISOString(), undefined]);
    expect(lanes.map(({ lane }: Json) => lane)).toEqual(["default", "bulk"]);
    expect(lanes[0]).toEqual({
      lane: "default",
      priority: 0,
      hours: null,
      open: true,
      opensAt: null,
      parked: null,
      queued: 0,
      waiting: 0,
      oldestQueuedSeconds: null,
      inFlight: 0,
      maxInFlightRequests: 50_000,
      openManifests: 0,
      realtime: { queued: 0, running: 0, parked: null },
    });
  });

  it("shows how many sessions of each lane wait, and since when the oldest does", async () => {
    const world = testWorld();
    await world.accept("One.");
    world.pass(30);
    await world.accept("Two.");
    await world.accept("Three.", { lane: "bulk" });
    await world.accept("Now.", { routing: "realtime" });
    world.pass(10);
    const { default: usual, bulk } = await lanesOf(world);
    expect(usual).toMatchObject({ queued: 2, oldestQueuedSeconds: 40, realtime: { queued: 1, running: 0 } });
    expect(bulk).toMatchObject({
      queued: 1,
      oldestQueuedSeconds: 10,
      realtime: { queued: 0, running: 0, parked: null },
    });
  });

  it("shows what is in flight as the batcher counts it, and no longer as queued", async () => {
    const world = testWorld();
    await world.accept("One.");
    await world.accept("Two.", { timeoutSeconds: 7_200, onDeadline: "fail" });
    await world.batch();
    await world.accept("Three.");
    const { default: usual } = await lanesOf(world);
    expect(usual).toMatchObject({ inFlight: 2, openManifests: 1, queued: 1 });
  });

  it("counts a queued session whose deadline comes first like any other", async () => {
    const world = testWorld();
    await world.accept("Soon.", { timeoutSeconds: 60, onDeadline: "fail" });
    expect((await lanesOf(world)).default).toMatchObject({ queued: 1, waiting: 0 });
  });

  it("shows a lane that is closed, when it opens, and what waits for that", async () => {
    const world = testWorld({
      config: { agents, lanes: [{ id: "night", hours: "22:00-06:00", tz: "Europe/Berlin" }] },
    });
    // The clock of the tests begins in the night: noon of the next day is outside the hours.
    world.pass(12 * 3_600);
    await world.accept("Later.", { lane: "night" });
    const { night } = await lanesOf(world);
    expect(night).toMatchObject({ open: false, hours: { text: "22:00-06:00", tz: "Europe/Berlin" } });
    expect(night).toMatchObject({ queued: 1, waiting: 1 });
    expect(Date.parse(night.opensAt)).toBeGreaterThan(world.clock.now());
  });

  it("shows why a lane is parked, since when, and until when", async () => {
    const world = testWorld();
    await world.deps.lanes.park("default", "credit");
    const { default: usual, bulk } = await lanesOf(world);
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();
    expect(usual.parked).toEqual({ reason: "credit", since: at(0), until: at(300) });
    expect(bulk.parked).toBeNull();
  });

  it("counts the work of a lane that is no longer configured to the default lane, which sends it", async () => {
    const world = testWorld({ config: { agents, lanes: [{ id: "old" }] } });
    await world.accept("One.", { lane: "old" });
    await world.batch();
    await world.accept("Two.", { lane: "old" });
    const later = world.configured({ agents });
    const response = await later.http("/api/lanes");
    const { lanes }: Json = JSON.parse(await response.text());
    expect(lanes.map(({ lane }: Json) => lane)).toEqual(["default", "bulk"]);
    expect(lanes[0]).toMatchObject({ queued: 1, inFlight: 1 });
  });

  it("says that there is more where it did not count all of it", async () => {
    const world = testWorld();
    const cut = sessionsApp({ ...world.deps, backlog: { read: async () => false } });
    const response = await cut.request(
      "/api/lanes",
      {},
      {
        event: { requestContext: { authorizer: { lambda: ownerVerdict } } },
      },
    );
    expect(JSON.parse(await response.text())).toMatchObject({ atLeast: true });
  });

  it("takes GET only", async () => {
    const response = await testWorld().http("/api/lanes", { method: "POST" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
  });
});
