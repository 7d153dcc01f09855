import { describe, expect, it } from "vitest";
import type { Fault } from "../../../infra/local/anthropic/faults.ts";
import { batchesOf, createBodies } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const create = "POST /v1/messages/batches";

/** A world in which so many tasks wait, and whose next create call meets a fault. */
async function meeting(fault: Omit<Fault, "on">, tasks = 3, world = testWorld()) {
  const ids: string[] = [];
  for (let index = 0; index < tasks; index += 1) ids.push(await world.accept(`Task ${index}`));
  world.api.faults.set({ on: "create", times: 1, ...fault });
  return { world, ids };
}
const all = (world: TestWorld, ids: readonly string[]) => Promise.all(ids.map((id) => world.see(id)));
const states = (world: TestWorld) => batchesOf(world).map(({ state }) => state);

describe("a create that is refused for no fault of the work", () => {
  const parking: [string, Omit<Fault, "on">, string][] = [
    ["401", { kind: "unauthorized" }, "authentication"],
    ["402", { kind: "billing" }, "billing"],
    ["403", { kind: "forbidden" }, "permission"],
    ["404", { kind: "not_found" }, "batches_unavailable"],
    ["429", { kind: "rate_limited" }, "rate_limit"],
    ["429 about a spend limit", { kind: "spend_limit" }, "spend_limit"],
    ["400 about credit", { kind: "credit" }, "credit"],
    ["400 about a limit the customer has set", { kind: "usage_limit" }, "spend_limit"],
  ];

  it.each(parking)(
    "parks the lane with a reason that can be read, and burns no attempt: %s",
    async (_name, fault, reason) => {
      const { world, ids } = await meeting(fault);
      await world.batch();
      expect(world.called(create)).toBe(1);
      const parked = await world.deps.lanes.parked("default");
      expect(parked).toMatchObject({ reason, until: world.clock.now() + 300_000 });
      for (const session of await all(world, ids)) {
        expect(session).toMatchObject({ status: "queued", attempt: 1, notBefore: parked?.until });
        expect(session).not.toHaveProperty("manifestId");
        expect(session).not.toHaveProperty("submittedAt");
      }
      expect(states(world)).toEqual(["closed"]);
      expect(await world.deps.manifests.open()).toEqual([]);
      expect(world.queues.bodies("default")).toEqual([]);
      expect(world.queues.deadLetters("default")).toEqual([]);
    },
  );

  it("waits as long as the answer says", async () => {
    const { world } = await meeting({ kind: "rate_limited", retryAfterSeconds: 1_234 });
    await world.batch();
    expect(await world.deps.lanes.parked("default")).toMatchObject({ until: world.clock.now() + 1_234_000 });
  });

  it("sends nothing while the lane is parked, not even what comes then", async () => {
    const { world } = await meeting({ kind: "rate_limited" });
    await world.ticks(2);
    await world.accept("Later.");
    await world.ticks(2);
    expect(world.called(create)).toBe(1);
  });

  it("is followed by a probe of one, and by all the others once that was accepted", async () => {
    const { world, ids } = await meeting({ kind: "credit" }, 12);
    await world.ticks(8);
    const sizes = createBodies(world).map(({ requests }) => requests.length);
    expect(sizes.slice(0, 2)).toEqual([12, 1]);
    expect(sizes.slice(2).reduce((sum, size) => sum + size, 0)).toBe(11);
    expect(world.codes().filter((code) => code === "lane_resumed")).toHaveLength(1);
    await world.ticks(16);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
  });

  it("again, by the probe, parks for twice as long, and nobody else is tried", async () => {
    const { world, ids } = await meeting({ kind: "credit", times: 3 }, 4);
    await world.ticks(7);
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([4, 1]);
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "credit", seconds: 600 });
    await world.ticks(60);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
  });

  it("for days on end loses nobody, fills no dead-letter queue and burns nothing", async () => {
    const { world, ids } = await meeting({ kind: "credit", times: 30 }, 3);
    await world.ticks(60 * 30);
    expect(world.called(create)).toBeLessThan(40);
    world.api.faults.clear();
    await world.ticks(90);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(world.queues.deadLetters("default")).toEqual([]);
  });

  it("keeps what was received besides, for the time after", async () => {
    const agents = [
      { id: "plain", cacheRetention: "none" },
      { id: "long", cacheRetention: "none", betas: ["output-300k-2026-03-24"] },
    ];
    const world = testWorld({ config: { agents: { list: agents } } });
    const ids = [await world.accept("One."), await world.accept("Two.", { agentId: "long" })];
    world.api.faults.set({ on: "create", kind: "rate_limited", times: 4 });
    await world.ticks(150);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(world.queues.deadLetters("default")).toEqual([]);
  });

  it("parks its own lane only", async () => {
    const lanes = [{ id: "default" }, { id: "bulk", flushEverySeconds: 1 }];
    const world = testWorld({ config: { agents: { list: [{ id: "worker" }] }, lanes } });
    const { ids } = await meeting({ kind: "rate_limited" }, 1, world);
    const bulk = await world.accept("Bulk.", { lane: "bulk" });
    await world.batch();
    expect(await all(world, [...ids, bulk])).toMatchObject([{ status: "queued" }, { status: "submitted" }]);
  });
});

describe("a create whose content is refused", () => {
  const poisoned = async (tasks: readonly string[]) => {
    const world = testWorld();
    const ids = [];
    for (const task of tasks) ids.push(await world.accept(task));
    world.api.refuse = (body) => (body.includes("POISON") ? "requests.0.params.messages: Field required" : undefined);
    return { world, ids };
  };

  it.each([1, 2, 3, 5, 8])("is halved down to the one at fault, of %i, and harms nobody else", async (count) => {
    const at = Math.floor(count / 2);
    const { world, ids } = await poisoned(
      Array.from({ length: count }, (_none, index) => (index === at ? "POISON" : `Task ${index}`)),
    );
    await world.batch();
    const sessions = await all(world, ids);
    expect(sessions[at]).toMatchObject({ status: "failed", attempt: 1, error: { type: "invalid_request_error" } });
    expect(String(Object(sessions[at]?.["error"])["message"])).toContain("Field required");
    for (const other of sessions.filter((_one, index) => index !== at))
      expect(other).toMatchObject({ status: "submitted", attempt: 1 });
    await world.ticks(16);
    for (const [index, session] of (await all(world, ids)).entries()) {
      expect(session).toMatchObject({ status: index === at ? "failed" : "done", attempt: 1, delivered: true });
    }
    expect(world.api.model.bill()).toHaveLength(count - 1);
    expect(await world.deps.manifests.open()).toEqual([]);
    expect(await world.deps.lanes.parked("default")).toBeUndefined();
  });

  it("finds two at fault among many, too", async () => {
    const { world, ids } = await poisoned(["a", "POISON 1", "b", "c", "d", "POISON 2", "e"]);
    await world.ticks(16);
    expect((await all(world, ids)).map(({ status }) => status)).toEqual([
      "done",
      "failed",
      "done",
      "done",
      "done",
      "failed",
      "done",
    ]);
  });

  it("names the manifest that a half came from", async () => {
    const { world } = await poisoned(["POISON", "b"]);
    await world.batch();
    const [first, ...halves] = batchesOf(world);
    expect(halves.map(({ parent }) => parent)).toEqual([first?.["manifestId"], first?.["manifestId"]]);
    expect(first).toMatchObject({ state: "closed", reason: "split" });
  });

  it("crashing at any step of the halving still ends well, with nobody paid for twice", async () => {
    const tasks = ["a", "POISON", "b"];
    const dry = await poisoned(tasks);
    const steps = dry.world.crashing({ at: () => false, when: "before" });
    await steps.process.run(() => steps.batch());
    for (let no = 1; no <= steps.process.trace.length; no += 1) {
      const { world, ids } = await poisoned(tasks);
      const half = world.crashing({ at: (_what, at) => at === no, when: "after" });
      await half.process.run(() => half.batch());
      await world.ticks(60);
      const seen = (await all(world, ids)).map(({ status, attempt }) => `${String(status)} ${String(attempt)}`);
      expect(seen, `after ${no} ${steps.process.trace[no - 1]}`).toEqual(["done 1", "failed 1", "done 1"]);
      expect(world.api.model.bill(), `after ${no} ${steps.process.trace[no - 1]}`).toHaveLength(2);
    }
  }, 90_000);

  it("takes a 413 for one about the content only where the body was large", async () => {
    const small = await meeting({ kind: "too_large_html" }, 2);
    await small.world.batch();
    expect(states(small.world)).toEqual(["submitting"]);
    const world = testWorld();
    for (let part = 0; part < 8; part += 1) await world.accept(`${part}${"x".repeat(200_000)}`);
    world.api.faults.set({ on: "create", kind: "too_large_html", times: 1 });
    await world.batch();
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([8, 4, 4]);
  });
});

describe("a create whose outcome nobody knows", () => {
  const unknown: [string, Omit<Fault, "on">, number][] = [
    ["the connection was lost after the commit", { kind: "lost_response" }, 1],
    ["the connection was lost before it", { kind: "lost_response", afterCommit: false }, 0],
    ["500 after the commit", { kind: "server_error", afterCommit: true }, 1],
    ["500 before it", { kind: "server_error" }, 0],
    ["529", { kind: "overloaded" }, 0],
    ["no answer in time, after the commit", { kind: "hang", afterCommit: true }, 1],
    ["a proxy's 413", { kind: "too_large_html" }, 0],
  ];

  it.each(unknown)("is sent once, stays submitting, and holds its sessions: %s", async (_name, fault, batches) => {
    const { world, ids } = await meeting(fault);
    await world.batch();
    await world.batch();
    world.pass(500);
    await world.batch();
    expect(world.called(create)).toBe(1);
    expect(states(world)).toEqual(["submitting"]);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "submitted", attempt: 1 });
    expect(
      world.api.model.listBatches({}, { workspaceId: "wrkspc_test", version: "2023-06-01", betas: [] }).data,
    ).toHaveLength(batches);
    expect(await world.deps.lanes.parked("default")).toBeUndefined();
  });

  it("bounds the time in which its batch can appear to this moment, since the call is over", async () => {
    const { world } = await meeting({ kind: "lost_response" });
    await world.batch();
    expect(batchesOf(world)[0]).toMatchObject({ notAfter: world.clock.now() });
  });

  it("by a crash in the call keeps the call's whole bound", async () => {
    const { world } = await meeting({ kind: "lost_response" });
    world.api.faults.clear();
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createBatch"), when: "after" });
    await half.process.run(() => half.batch());
    expect(batchesOf(world)[0]).toMatchObject({ state: "submitting", notAfter: world.clock.now() + 300_000 });
  });

  it("counts against the quota: what may have been paid is in flight", async () => {
    const lanes = [{ id: "default", maxInFlightRequests: 3 }];
    const world = testWorld({ config: { agents: { list: [{ id: "worker" }] }, lanes } });
    await meeting({ kind: "lost_response" }, 5, world);
    await world.batch();
    await world.batch();
    expect(world.called(create)).toBe(1);
  });

  it.each(unknown)("ends well all the same, each session done and paid for once: %s", async (_name, fault) => {
    const { world, ids } = await meeting(fault);
    await world.ticks(45);
    for (const session of await all(world, ids))
      expect(session).toMatchObject({ status: "done", attempt: 1, delivered: true });
    expect(world.api.model.bill()).toHaveLength(3);
    expect(await world.deps.manifests.open()).toEqual([]);
  });
});

describe("a manifest that was given up meanwhile", () => {
  it("is not sent: a batcher that comes back finds that it is", async () => {
    const { world, ids } = await meeting({ kind: "rate_limited" }, 2);
    world.api.faults.clear();
    // Ten minutes pass between the claims and the order to send.
    const slow = { ...world.deps.manifests };
    let isSlow = true;
    slow.move = async (name, seen, changes) => {
      if (name === "submit" && isSlow) {
        isSlow = false;
        world.pass(600);
        await world.poll();
      }
      return world.deps.manifests.move(name, seen, changes);
    };
    await world.batchWith({ manifests: slow });
    expect(batchesOf(world)[0]).not.toHaveProperty("batchId");
    await world.ticks(20);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(world.api.model.bill()).toHaveLength(2);
  });
});

describe("a batcher that crashes", () => {
  it("at any step, before or after it took hold, leaves each session to be done and paid for once", async () => {
    const steps = testWorld();
    await steps.accept("One.");
    await steps.accept("Two.");
    const dry = steps.crashing({ at: () => false, when: "before" });
    await dry.process.run(() => dry.batch());
    expect(dry.process.trace.length).toBeGreaterThan(10);
    for (let no = 1; no <= dry.process.trace.length; no += 1) {
      for (const when of ["before", "after"] as const) {
        const world = testWorld();
        const ids = [await world.accept("One."), await world.accept("Two.")];
        const half = world.crashing({ at: (_what, at) => at === no, when });
        expect(await half.process.run(() => half.batch())).toBe(true);
        await world.ticks(60);
        const where = `${when} ${no} ${dry.process.trace[no - 1]}`;
        for (const session of await all(world, ids))
          expect(session, where).toMatchObject({ status: "done", attempt: 1, delivered: true });
        expect(world.api.model.bill(), where).toHaveLength(2);
        expect(await world.deps.manifests.open(), where).toEqual([]);
        expect(world.queues.bodies("default"), where).toEqual([]);
      }
    }
  });
});
