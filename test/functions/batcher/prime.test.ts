import { describe, expect, it } from "vitest";
import { primerWaitSeconds, primerWarmSeconds } from "../../../functions/domain/limits.ts";
import { batchesOf, createBodies } from "../../support/batches.ts";
import { type TestWorld, testWorld, type WorldOptions } from "../../support/world.ts";

/** 2,000 tokens by the stand-in's count. */
const system = "You are the night shift, and write what was seen. ".repeat(160);
const list = [
  { id: "worker", system },
  { id: "hourly", system, cacheRetention: "long" },
  { id: "bare", system, cacheRetention: "none" },
  { id: "clever", system, cacheRetention: "auto" },
  { id: "brief", system: "Be brief." },
];
const configOf = (lane: object = {}) => ({ agents: { list }, lanes: [{ id: "default", ...lane }] });

async function waiting(count: number, more: Record<string, unknown> = {}, options: WorldOptions = {}) {
  const world = testWorld({ config: configOf(), ...options });
  return { world, ids: await accept(world, count, more) };
}

async function accept(world: TestWorld, count: number, more: Record<string, unknown> = {}) {
  const ids: string[] = [];
  for (let task = 0; task < count; task += 1) ids.push(await world.accept(`Task ${task}.`, more));
  return ids;
}

const sizes = (world: TestWorld) => createBodies(world).map(({ requests }) => requests.length);
const markersOf = (world: TestWorld, batch: number) =>
  (createBodies(world)[batch]?.requests ?? []).map(({ params }) => {
    const found: unknown[] = [];
    JSON.stringify(params, (key, value: unknown) => (key === "cache_control" ? found.push(value) : value));
    return found;
  });
const short = { type: "ephemeral" };
const long = { type: "ephemeral", ttl: "1h" };

/** What the prefixes of all answers were: tokens written for five minutes, for an hour, and read. */
function cached(world: TestWorld) {
  const usages = world.api.model.bill().map(({ usage }) => usage as Record<string, Record<string, number> & number>);
  const sum = (of: (usage: (typeof usages)[number]) => number | undefined) =>
    usages.reduce((total, usage) => total + (of(usage) ?? 0), 0);
  return {
    short: sum((usage) => usage["cache_creation"]?.["ephemeral_5m_input_tokens"]),
    long: sum((usage) => usage["cache_creation"]?.["ephemeral_1h_input_tokens"]),
    read: sum((usage) => usage["cache_read_input_tokens"]),
  };
}

async function expectDone(world: TestWorld, ids: readonly string[], where = "") {
  for (const id of ids)
    expect(await world.see(id), where).toMatchObject({ status: "done", attempt: 1, delivered: true });
  expect(world.api.model.bill(), where).toHaveLength(ids.length);
  expect(await world.deps.manifests.open(), where).toEqual([]);
}

describe("a group with one prefix", () => {
  it("sends one of its own ahead, marked for an hour, and the rest when that has ended, which then reads", async () => {
    const { world, ids } = await waiting(10);
    await world.ticks(1);
    expect(sizes(world)).toEqual([1]);
    expect(markersOf(world, 0)).toEqual([[long]]);
    for (const id of ids.slice(1)) expect((await world.see(id))["status"]).toBe("queued");
    await world.ticks(11);
    expect(sizes(world)).toEqual([1, 9]);
    await world.ticks(12);
    await expectDone(world, ids);
    const { long: written, read } = cached(world);
    expect(written).toBe(2_000);
    expect(read).toBe(9 * 2_000);
    expect(world.codes()).toContain("primer_sent");
  });

  it("keeps the markers of those that follow as they were chosen", async () => {
    const { world } = await waiting(6, { agentId: "hourly" });
    await world.ticks(13);
    expect(markersOf(world, 0)).toEqual([[long, long]]);
    expect(markersOf(world, 1)).toEqual(Array.from({ length: 5 }, () => [long, long]));
    const { world: usual } = await waiting(6);
    await usual.ticks(13);
    expect(markersOf(usual, 1)).toEqual(Array.from({ length: 5 }, () => [short, short]));
  });

  it("marks the prefix of those whose auto chose none, so that they read it", async () => {
    const { world, ids } = await waiting(0);
    for (let day = 0; day < 3; day += 1) {
      await accept(world, 1, { agentId: "clever" });
      await world.ticks(15);
      world.pass(24 * 3600);
    }
    ids.push(...(await accept(world, 10, { agentId: "clever" })));
    await world.ticks(25);
    expect(sizes(world)).toEqual([1, 1, 1, 1, 9]);
    expect(markersOf(world, 2)).toEqual([[]]);
    expect(markersOf(world, 3)).toEqual([[long]]);
    expect(markersOf(world, 4)).toEqual(Array.from({ length: 9 }, () => [short]));
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done" });
    expect(cached(world).read).toBe(9 * 2_000);
  });

  it("is not held for a second primer while the first is under way, nor while what it wrote is warm", async () => {
    const { world, ids } = await waiting(5);
    await world.ticks(2);
    ids.push(...(await accept(world, 5)));
    await world.ticks(2);
    expect(sizes(world)).toEqual([1]);
    await world.ticks(10);
    expect(sizes(world)).toEqual([1, 9]);
    ids.push(...(await accept(world, 5)));
    await world.ticks(1);
    expect(sizes(world)).toEqual([1, 9, 5]);
    await world.ticks(15);
    await expectDone(world, ids);
    expect(cached(world)).toMatchObject({ long: 2_000, read: 14 * 2_000 });
  });

  it("is primed anew once what was written may be gone", async () => {
    const { world } = await waiting(5);
    await world.ticks(25);
    world.pass(primerWarmSeconds);
    await accept(world, 5);
    await world.ticks(1);
    expect(sizes(world)).toEqual([1, 4, 1]);
  });

  it("primes each prefix by itself", async () => {
    const { world } = await waiting(4);
    await accept(world, 4, { agentId: "hourly", model: "claude-sonnet-5-5" });
    await accept(world, 4, { agentId: "brief" });
    await accept(world, 4, { agentId: "bare" });
    await world.ticks(1);
    expect(sizes(world)).toEqual([1, 1, 8]);
  });
});

describe("priming", () => {
  it.each([
    ["auto", 1, [1]],
    ["auto", 10, [1]],
    ["off", 10, [10]],
    ["on", 2, [1]],
  ])("%s, with %i waiting, sends at first %j", async (priming, count, sent) => {
    const { world } = await waiting(count, {}, { config: configOf({ priming }) });
    await world.ticks(1);
    expect(sizes(world)).toEqual(sent);
  });

  it("by auto is left where it costs more than it saves: a price that is not known, or two that carry no marker", async () => {
    const { world } = await waiting(10, { model: "claude-mythos-preview" });
    await world.ticks(1);
    expect(sizes(world)).toEqual([10]);
    const clever = await waiting(0);
    for (let day = 0; day < 3; day += 1) {
      await accept(clever.world, 1, { agentId: "clever" });
      await clever.world.ticks(15);
      clever.world.pass(24 * 3600);
    }
    await accept(clever.world, 2, { agentId: "clever" });
    await clever.world.ticks(1);
    expect(sizes(clever.world).at(-1)).toBe(2);
  });

  it("holds nobody whose deadline may act", async () => {
    const deadline = { timeoutSeconds: 3_600, onDeadline: "fallback" };
    const { world } = await waiting(3, deadline, { config: configOf({ priming: "on" }) });
    await world.ticks(1);
    expect(sizes(world)).toEqual([3]);
    await accept(world, 3);
    await accept(world, 1, deadline);
    await world.ticks(1);
    expect(sizes(world)).toEqual([3, 1, 1]);
  });

  it("holds nobody past the closing of the lane", async () => {
    // The world begins at 03:00 UTC.
    const { world } = await waiting(5, {}, { config: configOf({ hours: "22:00-03:20" }) });
    await world.ticks(1);
    expect(sizes(world)).toEqual([5]);
  });
});

describe("those that wait for a primer", () => {
  it("go when the bound is over, and are not held again for it", async () => {
    const hours = 5;
    const { world, ids } = await waiting(5, {}, { batchSeconds: { min: hours * 3600, max: hours * 3600 } });
    await world.ticks(primerWaitSeconds / 60);
    expect(sizes(world)).toEqual([1]);
    await world.ticks(4);
    expect(sizes(world)).toEqual([1, 4]);
    await world.ticks((hours + 1) * 60);
    await expectDone(world, ids);
  });

  it.each([
    ["fails", "[[stand-in: errored invalid_request_error]]", "failed"],
    ["expires", "[[stand-in: expired times 1]]", "done"],
    ["fails for now", "[[stand-in: errored api_error times 1]]", "done"],
  ])("go when it %s, without another", async (_, directive, status) => {
    const { world, ids } = await waiting(0);
    ids.push(await world.accept(directive), ...(await accept(world, 4)));
    await world.ticks(14);
    expect(sizes(world).slice(0, 2)).toEqual([1, 4]);
    await world.ticks(30);
    for (const id of ids.slice(1)) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
    expect(await world.see(ids[0]!)).toMatchObject({ status });
  });

  it("go when it is canceled", async () => {
    const { world, ids } = await waiting(5);
    await world.ticks(1);
    expect((await world.http(`/api/sessions/${ids[0]}/cancel`, { method: "POST" })).status).toBe(200);
    await world.ticks(45);
    for (const id of ids.slice(1)) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
  });

  it("go with the next tick where it ended while they were held, without a message of the batcher's", async () => {
    const { world, ids } = await waiting(5);
    const { primers, queues } = world.deps;
    const ended = {
      ...primers,
      async addWaiting(...of: Parameters<typeof primers.addWaiting>) {
        await primers.addWaiting(...of);
        world.pass(660);
        await world.poll();
      },
    };
    const send = () => Promise.reject(new Error("the batcher may not send there"));
    await world.batchWith({ primers: ended, queues: { ...queues, send } });
    await world.ticks(1);
    expect(sizes(world)).toEqual([1, 4]);
    await world.ticks(14);
    await expectDone(world, ids);
  });

  it("can be canceled themselves, and then never go", async () => {
    const { world, ids } = await waiting(5);
    await world.ticks(1);
    await world.http(`/api/sessions/${ids[1]}/cancel`, { method: "POST" });
    await world.ticks(25);
    expect(sizes(world)).toEqual([1, 3]);
    expect(await world.see(ids[1]!)).toMatchObject({ status: "canceled" });
  });

  it("wait with their lane where its create is refused", async () => {
    const { world, ids } = await waiting(5);
    world.api.faults.set({ on: "create", kind: "rate_limited", times: 1 });
    await world.ticks(1);
    expect(await world.deps.lanes.parked("default")).toBeDefined();
    await world.ticks(40);
    await expectDone(world, ids);
  });

  it("do not wait for one of which nobody knows whether it was sent", async () => {
    const { world, ids } = await waiting(5);
    world.api.faults.set({ on: "create", kind: "lost_response", times: 1 });
    await world.ticks(1);
    expect(sizes(world)).toEqual([1, 4]);
    await world.ticks(45);
    await expectDone(world, ids);
  });

  it("let the probe of a parked lane go by, which has to show whether the lane may go on", async () => {
    const { world } = await waiting(5, {}, { batchSeconds: { min: 36_000, max: 36_000 } });
    await world.ticks(1);
    await world.deps.lanes.park("default", "rate_limited");
    await accept(world, 2);
    await world.ticks(9);
    expect(await world.deps.lanes.parked("default")).toBeUndefined();
    expect(sizes(world)).toEqual([1, 1]);
  });

  it("go by rescue where their lane was parked when the primer ended", async () => {
    const { world, ids } = await waiting(5);
    await world.ticks(9);
    await world.deps.lanes.park("default", "rate_limited");
    await world.ticks(60);
    await expectDone(world, ids);
  });

  it("need no hint that can be read", async () => {
    const { world, ids } = await waiting(5);
    await world.ticks(1);
    for (const item of world.table.items().filter(({ pk }) => pk.startsWith("PRIMER#")))
      await world.table.put({ item: { pk: item.pk, sk: item.sk, garbled: true }, when: [] });
    await world.ticks(60);
    await expectDone(world, ids);
  });

  it("are done and paid for once wherever the batcher ends", async () => {
    const steps = await waiting(3);
    const dry = steps.world.crashing({ at: () => false, when: "before" });
    await dry.process.run(() => dry.batch());
    expect(dry.process.trace.some((what) => what.includes("WAIT"))).toBe(true);
    // To end before a step is to end after the one before it.
    for (let no = 1; no <= dry.process.trace.length; no += 1) {
      const { world, ids } = await waiting(3);
      const half = world.crashing({ at: (_what, at) => at === no, when: "after" });
      await half.process.run(() => half.batch());
      await world.ticks(60);
      await expectDone(world, ids, `after ${no} ${dry.process.trace[no - 1]}`);
    }
  }, 120_000);

  it("are done and paid for once wherever the poller ends that saw the primer end", async () => {
    const setUp = async () => {
      const one = await waiting(3);
      await one.world.ticks(10);
      return one;
    };
    const steps = await setUp();
    const dry = steps.world.crashing({ at: () => false, when: "before" });
    await dry.process.run(() => dry.poll());
    const wakes = dry.process.trace.findIndex((what) => what.includes("settled"));
    expect(wakes).toBeGreaterThan(0);
    for (let no = wakes; no <= dry.process.trace.length; no += 1) {
      const { world, ids } = await setUp();
      const half = world.crashing({ at: (_what, at) => at === no, when: "after" });
      await half.process.run(() => half.poll());
      await world.ticks(60);
      await expectDone(world, ids, `after ${no} ${dry.process.trace[no - 1]}`);
    }
  }, 120_000);
});

describe("the heads of what primes", () => {
  it("say so, and no other does", async () => {
    const { world } = await waiting(5);
    await world.ticks(13);
    expect(batchesOf(world).map(({ primes }) => primes)).toEqual([true, undefined]);
  });
});
