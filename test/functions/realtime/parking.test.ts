import { describe, expect, it } from "vitest";
import { testWorld, type WorldOptions } from "../../support/world.ts";

const post = "POST /v1/messages";

async function live(count: number, options: WorldOptions = {}, more: object = {}) {
  const world = testWorld(options);
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1)
    ids.push(await world.accept(`Task ${index}.`, { routing: "realtime", ...more }));
  return { world, ids };
}

describe("real-time work whose credential is refused", () => {
  it.each(["unauthorized", "forbidden", "billing", "credit", "usage_limit"] as const)(
    "waits as a whole, and not each message finds out by itself: %s",
    async (kind) => {
      const { world, ids } = await live(8);
      world.api.faults.set({ kind, on: "message" });
      await world.workRealtime();
      expect(world.called(post)).toBe(1);
      const { until } = (await world.deps.lanes.parked("realtime"))!;
      for (const id of ids)
        expect(await world.see(id)).toMatchObject({ status: "queued", attempt: 1, notBefore: until, dueAt: until });
      expect(world.queues.bodies("realtime")).toEqual([]);
    },
  );

  it("resumes by itself with one session as a probe, however long it took, and loses nobody", async () => {
    const { world, ids } = await live(8);
    world.api.faults.set({ kind: "credit", on: "message" });
    await world.ticks(6 * 60);
    expect(world.called(post)).toBeLessThan(12);
    world.api.faults.clear();
    await world.ticks(80);
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1, delivered: true });
    expect(world.api.model.bill()).toHaveLength(8);
    expect(world.queues.deadLetters("realtime")).toEqual([]);
    expect(await world.deps.lanes.parked("realtime")).toBeUndefined();
    expect(world.codes()).toContain("lane_resumed");
  });

  it("is not stuck with a probe that died on the way", async () => {
    const { world, ids } = await live(2);
    const parked = await world.deps.lanes.park("realtime", "credit");
    world.pass(300);
    await world.deps.lanes.probe("realtime", parked, { by: "rt-dead", endsAt: world.clock.now() + 660_000 });
    await world.ticks(3);
    expect(world.called(post)).toBe(0);
    await world.ticks(20);
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
  });

  it("does not hold up the work of a lane with a key of its own", async () => {
    const config = {
      agents: { list: [{ id: "worker" }] },
      lanes: [{ id: "paid", apiKeySecret: "paid-key" }],
    };
    const { world, ids } = await live(2, { config, secrets: { "paid-key": "sk-paid" } });
    const paid = await world.accept("Paid.", { routing: "realtime", lane: "paid" });
    await world.deps.lanes.park("realtime", "authentication");
    await world.workRealtime();
    expect(await world.see(paid)).toMatchObject({ status: "done" });
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "queued" });
  });

  it("leaves a fallback in its batch, and tries it again when the credential may be good", async () => {
    const { world, ids } = await live(1, {}, { routing: "batch", timeoutSeconds: 400, onDeadline: "fallback" });
    await world.deps.lanes.park("realtime", "credit");
    await world.batch();
    world.pass(285);
    await world.poll();
    await world.workRealtime();
    expect(await world.see(ids[0]!)).toMatchObject({ status: "submitted" });
    world.pass(60);
    await world.ticks(2);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", fellBack: true });
  });
});
