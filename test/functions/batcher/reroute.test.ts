import { describe, expect, it } from "vitest";
import { apiKeySecret } from "../../support/ports.ts";
import { testWorld } from "../../support/world.ts";

const create = "POST /v1/messages/batches";
const message = "POST /v1/messages";
const models = "GET /v1/models";
const agents = { list: [{ id: "worker", cacheRetention: "none" }] };
const payer = { agents, lanes: [{ id: "default", onBatchUnavailable: "realtime" }], realtime: { maxConcurrency: 4 } };
const login = { [apiKeySecret]: "sk-ant-oat01-login" };

describe("a credential that cannot batch", () => {
  it("holds the work of its lane unless the lane says otherwise: full price is never spent unasked", async () => {
    const world = testWorld({ secrets: login });
    const id = await world.accept();
    await world.ticks(60);
    expect(await world.see(id)).toMatchObject({ status: "queued", mode: "batch", attempt: 1 });
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "batches_unavailable" });
    expect([world.called(create), world.called(message)]).toEqual([0, 0]);
    expect(world.queues.deadLetters("default")).toEqual([]);
  });

  it("sends it real-time where the lane says so, with a reason that is seen and one warning, and burns no attempt", async () => {
    const world = testWorld({ secrets: login, config: payer });
    const ids = [];
    for (let index = 0; index < 10; index += 1) ids.push(await world.accept(`Task ${index}.`));
    await world.ticks(20);
    for (const id of ids) {
      expect(await world.see(id)).toMatchObject({ status: "done", mode: "realtime", attempt: 1, delivered: true });
      expect((await world.see(id))["why"]).toContain("onBatchUnavailable");
    }
    expect(world.called(message)).toBe(10);
    expect(world.called(create)).toBe(0);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "batches_unavailable" });
    const warnings = world.logs.filter(({ code }) => code === "batches_unavailable");
    expect(warnings).toEqual([{ code: "batches_unavailable", fields: { lane: "default", policy: "realtime" } }]);
  });

  it("gives real-time work no more of it than there are workers free, so that no other lane's waits behind it", async () => {
    const world = testWorld({ secrets: login, config: payer });
    await world.deps.lanes.park("default", "batches_unavailable");
    for (let index = 0; index < 30; index += 1) await world.accept(`Task ${index}.`);
    const tick = async () => {
      await world.batch();
      world.pass(10);
      return world.queues.bodies("realtime").length;
    };
    expect(await tick()).toBe(4);
    // One a tick goes in any case: other work may take all workers for ever.
    expect([await tick(), await tick()]).toEqual([5, 6]);
    while ((await world.workRealtime()) > 0);
    expect(await tick()).toBe(4);
  });

  it("is found out by a refused create too, if the same credential is good for something else", async () => {
    const world = testWorld({ config: payer });
    world.api.faults.set({ kind: "not_found", on: "create" });
    const id = await world.accept();
    await world.ticks(5);
    expect(world.called(models)).toBe(1);
    expect(await world.see(id)).toMatchObject({ status: "done", mode: "realtime" });
  });

  it("is asked again later, and batches again once it can", async () => {
    const world = testWorld({ config: payer });
    world.api.faults.set({ kind: "not_found", on: "create", times: 1 });
    const first = await world.accept("One.");
    await world.ticks(6);
    const later = await world.accept("Two.");
    await world.ticks(16);
    expect(await world.see(first)).toMatchObject({ status: "done", mode: "realtime" });
    expect(await world.see(later)).toMatchObject({ status: "done", mode: "batch" });
    expect(await world.deps.lanes.parked("default")).toBeUndefined();
  });

  it.each([
    ["a pause", "batches are to be had again", "batch"],
    ["a pause", "they are not", "realtime"],
    ["a follow-up", "batches are to be had again", "batch"],
    ["a follow-up", "they are not", "realtime"],
  ])("takes no later turn real-time but while that lasts: after %s, when %s", async (next, _, mode) => {
    const world = testWorld({ config: payer });
    const state = await world.deps.lanes.park("default", "batches_unavailable");
    const id = await world.accept(next === "a pause" ? "[[stand-in: pause_turn 1]] Search." : "One.");
    await world.batch();
    if (mode === "batch") await world.deps.lanes.resume("default", state);
    await world.workRealtime();
    if (next === "a follow-up") await world.postWith(`/api/sessions/${id}/messages`, { message: "Two." }, {});
    expect(await world.see(id)).toMatchObject({ status: "queued", turn: 2, mode: "batch", why: "batch, the default" });
    await world.ticks(4);
    expect(await world.see(id)).toMatchObject({ turn: 2, mode, attempt: 1 });
    expect([world.called(message), world.called(create)]).toEqual(mode === "batch" ? [1, 1] : [2, 0]);
  });
});

describe("a lane that waits for a probe's result", () => {
  it("pays for no call at the full price any more, though it was parked because batches could not be had", async () => {
    const world = testWorld({ config: payer, batchSeconds: { min: 600, max: 600 } });
    await world.deps.lanes.park("default", "batches_unavailable");
    await world.deps.lanes.parkUntilResult("default", "batches_unavailable");
    world.pass(300);
    const ids = [await world.accept("One."), await world.accept("Two.")];
    await world.ticks(8);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ untilResult: true, probe: expect.any(String) });
    expect([world.called(create), world.called(message)]).toEqual([1, 0]);
    await world.ticks(40);
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", mode: "batch" });
  });
});

describe("a credential that is not known to be good for anything", () => {
  it.each(["not_found", "unauthorized", "forbidden"] as const)("only parks its lane: %s", async (kind) => {
    const world = testWorld({ config: payer });
    world.api.faults.set({ kind, on: "create" });
    world.api.faults.set({ kind: kind === "not_found" ? "unauthorized" : kind, on: "models" });
    const id = await world.accept();
    await world.ticks(30);
    expect(await world.see(id)).toMatchObject({ status: "queued", mode: "batch", attempt: 1 });
    expect(world.called(message)).toBe(0);
    const reason = { not_found: "not_found", unauthorized: "authentication", forbidden: "permission" }[kind];
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason });
  });
});
