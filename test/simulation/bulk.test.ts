import { describe, expect, it } from "vitest";
import { drainLane } from "../../functions/batcher/drain.ts";
import type { Anthropic } from "../../functions/clients/anthropic.ts";
import { dueShardOf } from "../../functions/domain/session.ts";
import { batchesOf, requestsOf } from "../support/batches.ts";
import { type TestWorld, testWorld } from "../support/world.ts";

const many = 100_000;
/** Where only the calls to Anthropic count, and not the table, as many as more than fill the lane's quota. */
const some = 1_000;
/** As many of them as one call of the batcher may take have a request that can be sent. */
const sendable = 200;
const bulkKey = "bulk-key";
const config = {
  agents: { list: [{ id: "worker", cacheRetention: "none" }] },
  lanes: [
    { id: "bulk", apiKeySecret: bulkKey, flushEverySeconds: 1, maxBatchRequests: 100, maxInFlightRequests: sendable },
  ],
};

/** A bulk lane with so many sessions that wait, all of them due to be rescued, and more messages than its quota takes. */
async function worldWith(count: number): Promise<TestWorld> {
  const world = testWorld({ config, secrets: { [bulkKey]: "sk-bulk" } });
  const first = await world.accept("Bulk.", { lane: "bulk" });
  const { turns } = world.deps;
  const meta = (await world.table.get({ pk: `SESSION#${first}`, sk: "META" }))!;
  const entry = (await turns.getRequest(first, 1))!;
  for (let index = 1; index < count; index += 1) {
    const sessionId = world.deps.newId();
    const due = `rescue#${dueShardOf(sessionId)}`;
    await world.table.put({ item: { ...meta, pk: `SESSION#${sessionId}`, sessionId, due }, when: [] });
    if (index >= sendable) continue;
    await turns.insertRequest({ ...entry, sessionId });
    world.queues.put("bulk", JSON.stringify({ sessionId, turn: 1, attempt: 1, sendNo: 1 }));
  }
  world.pass(600);
  return world;
}

/** What the bulk lane's calls come to is never known: each hangs until the test is over. */
function hanging(world: TestWorld, calls: readonly (keyof Anthropic)[]): TestWorld["deps"]["anthropicFor"] {
  return (credential) => {
    const api = world.deps.anthropicFor(credential);
    if (credential.apiKeySecret !== bulkKey) return api;
    return { ...api, ...Object.fromEntries(calls.map((call) => [call, () => new Promise(() => {})])) };
  };
}

const bulkLane = (world: TestWorld) => world.deps.config.lanes.find(({ id }) => id === "bulk")!;

describe("a lane of one beside a lane of 100,000", () => {
  it("is sent at the next tick, while the other's create call hangs", async () => {
    const world = await worldWith(some);
    const one = await world.accept("One.");
    void drainLane(bulkLane(world), { ...world.deps, anthropicFor: hanging(world, ["createBatch"]) });
    await world.batchLane("default");
    expect(await world.see(one)).toMatchObject({ status: "submitted" });
    expect(requestsOf(world)).toHaveLength(1);
  });

  it("is rescued in its usual time when its message is lost, while all of the others are due as well", async () => {
    const world = await worldWith(many);
    const one = await world.accept("One.");
    await world.queues.receive("default");
    world.pass(120);
    await world.poll();
    expect(await world.see(one)).toMatchObject({ status: "queued", sendNo: 2 });
    await world.batchLane("default");
    expect(await world.see(one)).toMatchObject({ status: "submitted" });
  }, 60_000);

  it("is sent and settled while the other is parked, and costs the other nothing", async () => {
    const world = await worldWith(some);
    await world.deps.lanes.park("bulk", "credit", 3_600);
    const one = await world.accept("One.");
    await world.ticks(12);
    expect(await world.see(one)).toMatchObject({ status: "done", delivered: true });
    expect(world.queues.deadLetters("bulk")).toEqual([]);
    expect(world.queues.bodies("bulk")).toHaveLength(sendable);
  });

  it("is settled in the tick after its batch ends, while the other's results are being read", async () => {
    const world = await worldWith(some);
    const one = await world.accept("One.");
    await world.batch();
    world.pass(600);
    // This tick never comes back: the results of the bulk lane's batch hang.
    void world.poll({ anthropicFor: hanging(world, ["results"]) });
    await until(async () => (await world.see(one))["status"] === "done");
    // And the next one does everything else, sweeps and deadlines among them.
    const late = await world.accept("Late.", { timeoutSeconds: 30, onDeadline: "fail" });
    world.pass(60);
    await world.poll();
    expect(await world.see(late)).toMatchObject({ status: "timeout" });
    expect(batchesOf(world).filter(({ lane, state }) => lane === "bulk" && state === "settled")).toEqual([]);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 10_000 && !(await isSo()); turn += 1) await new Promise(setImmediate);
  expect(await isSo()).toBe(true);
}
