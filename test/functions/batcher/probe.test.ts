import { describe, expect, it } from "vitest";
import { batchesOf, memberCounts, requestsOf } from "../../support/batches.ts";
import { type TestWorld, testWorld, type WorldOptions } from "../../support/world.ts";

const create = "POST /v1/messages/batches";
const plain = ["One.", "Two.", "Three."];

/** A lane whose results said that there is no credit, with sessions that wait, at the moment of the first probe. */
async function withoutCredit(tasks = plain, options: WorldOptions = {}): Promise<{ world: TestWorld; ids: string[] }> {
  const world = testWorld(options);
  await world.deps.lanes.parkUntilResult("default", "credit");
  const ids = [];
  for (const task of tasks) ids.push(await world.accept(task));
  world.pass(300);
  return { world, ids };
}

async function expectDone(world: TestWorld, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1, delivered: true });
  expect(world.api.model.bill()).toHaveLength(ids.length);
  expect(world.queues.deadLetters("default")).toEqual([]);
  expect(await world.deps.lanes.parked("default")).toBeUndefined();
}

describe("a lane whose results said that there is no credit", () => {
  it("sends one session, and no other before that one has a result, though its batch was accepted", async () => {
    const { world } = await withoutCredit();
    for (let tick = 0; tick < 9; tick += 1) {
      await world.batch();
      world.pass(60);
    }
    expect(world.called(create)).toBe(1);
    expect(await memberCounts(world)).toEqual([{ state: "submitted", count: 1, members: 1 }]);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ untilResult: true, probe: expect.any(String) });
    expect(world.codes()).not.toContain("lane_resumed");
  });

  it("sends the rest once that result is there, and all ends well", async () => {
    const { world, ids } = await withoutCredit();
    await world.ticks(13);
    expect(world.codes()).toContain("lane_resumed");
    expect(requestsOf(world).map(({ custom_id }) => custom_id.slice(0, 26))).toEqual(ids);
    await world.ticks(14);
    await expectDone(world, ids);
  });

  it("waits twice as long when that result says so again, and then sends another; no attempt is burnt", async () => {
    const { world, ids } = await withoutCredit(["[[stand-in: credit times 1]] One."]);
    await world.ticks(13);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "credit", seconds: 600 });
    expect(await world.see(ids[0]!)).toMatchObject({ status: "queued", attempt: 1 });
    await world.ticks(40);
    await expectDone(world, ids);
  });

  it("learns nothing from a probe that expired, and sends another after the usual wait", async () => {
    const { world, ids } = await withoutCredit(["[[stand-in: expired times 1]] One."]);
    await world.ticks(13);
    expect(world.codes()).not.toContain("lane_resumed");
    await world.ticks(40);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", attempt: 2 });
    expect(world.codes()).toContain("lane_resumed");
  });

  it("learns from its probe's result even though the probe's session has ended meanwhile", async () => {
    const world = testWorld();
    await world.deps.lanes.parkUntilResult("default", "credit");
    const late = await world.accept("[[stand-in: credit times 1]]", { timeoutSeconds: 360, onDeadline: "fail" });
    world.pass(300);
    await world.ticks(13);
    expect(await world.see(late)).toMatchObject({ status: "timeout" });
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "credit", seconds: 600 });
    expect(world.codes()).not.toContain("lane_resumed");
  });

  it("is not stuck with a probe whose manifest was given up", async () => {
    const { world, ids } = await withoutCredit();
    const parked = (await world.deps.lanes.parked("default"))!;
    await world.deps.lanes.probe("default", parked, { by: "nobody", endsAt: world.clock.now() + 86_400_000 });
    await world.batch();
    expect(await world.deps.lanes.parked("default")).toMatchObject({ seconds: 600 });
    await world.ticks(45);
    await expectDone(world, ids);
  });

  it.each(["HEAD", "PAGE#00001"])("is not stuck with a probe whose %s is damaged", async (sk) => {
    const { world, ids } = await withoutCredit();
    await world.ticks(1);
    const [probe] = batchesOf(world);
    if (sk !== "HEAD") await world.ticks(10);
    const { state, members } = { state: "lost", members: 7 };
    await world.table.update({
      key: { pk: String(probe?.pk), sk },
      set: sk === "HEAD" ? { state } : { members },
      when: [],
    });
    await world.ticks(40);
    expect(await world.deps.lanes.parked("default")).toBeUndefined();
    for (const id of ids.slice(1)) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
  });

  it("is not stuck with a probe whose batch never ends", async () => {
    const { world } = await withoutCredit(plain, { batchSeconds: { min: 200_000, max: 200_000 } });
    await world.batch();
    world.pass(24 * 3_600);
    await world.batch();
    world.pass(600);
    await world.batch();
    expect(world.called(create)).toBe(2);
    expect(requestsOf(world)).toHaveLength(2);
  });

  it("does not count a probe of which nobody knows what came: it waits, neither for ever nor sending everything", async () => {
    const { world, ids } = await withoutCredit();
    world.api.faults.set({ kind: "lost_response", on: "create", times: 1 });
    for (let tick = 0; tick < 9; tick += 1) {
      await world.batch();
      world.pass(60);
    }
    expect(requestsOf(world)).toHaveLength(1);
    expect(await world.deps.lanes.parked("default")).toMatchObject({
      reason: "credit",
      seconds: 600,
      untilResult: true,
    });
    await world.ticks(60);
    await expectDone(world, ids);
  });

  it("keeps what it learned while another probe was accepted", async () => {
    const world = testWorld();
    const seen = await world.deps.lanes.park("default", "rate_limit");
    await world.deps.lanes.parkUntilResult("default", "credit");
    expect(await world.deps.lanes.resume("default", seen)).toBe(false);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "credit", untilResult: true });
  });
});

describe("what was received when a lane parks", () => {
  it("goes back to wait with its lane, and is never nearer to being set aside, however long the lane is parked", async () => {
    const config = {
      agents: {
        list: [
          { id: "worker", cacheRetention: "none" },
          { id: "other", betas: ["a-beta"] },
        ],
      },
    };
    const world = testWorld({ config });
    const ids = [];
    for (let index = 0; index < 6; index += 1)
      ids.push(await world.accept(`Task ${index}.`, { agentId: index % 2 === 0 ? "worker" : "other" }));
    world.api.faults.set({ kind: "credit", on: "create" });
    await world.batch();
    const { until } = (await world.deps.lanes.parked("default"))!;
    expect(world.queues.bodies("default")).toEqual([]);
    for (const id of ids)
      expect(await world.see(id)).toMatchObject({ status: "queued", attempt: 1, notBefore: until, dueAt: until });
    await world.ticks(12 * 60);
    world.api.faults.clear();
    await world.ticks(150);
    await expectDone(world, ids);
  });
});
