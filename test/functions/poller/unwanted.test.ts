import { describe, expect, it } from "vitest";
import type { Anthropic } from "../../../functions/clients/anthropic.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const slow = { batchSeconds: { min: 4 * 3_600, max: 4 * 3_600 } };

const cancel = (world: TestWorld, sessionId: string) =>
  world.http(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
const cancelCalls = (world: TestWorld) =>
  world.api.calls.filter(({ method, url }) => method === "POST" && url.endsWith("/cancel")).length;
const departures = (world: TestWorld) => world.deps.departures.list(10);

async function batched(tasks: readonly string[], more: Record<string, unknown> = {}, options = slow) {
  const world = testWorld(options);
  const ids: string[] = [];
  for (const task of tasks) ids.push(await world.accept(task, more));
  await world.batch();
  return { world, ids };
}

describe("a batch", () => {
  it("is canceled once the last of its sessions is, once, and not before", async () => {
    const { world, ids } = await batched(["One.", "Two."]);
    await cancel(world, ids[0]!);
    await world.poll();
    expect(cancelCalls(world)).toBe(0);
    await cancel(world, ids[1]!);
    await world.ticks(3);
    expect(cancelCalls(world)).toBe(1);
    expect(world.codes()).toContain("batch_canceled");
    expect(await departures(world)).toEqual([]);
  });

  it("that is canceled is settled as any other: what was begun is booked, what was not moves nothing", async () => {
    const { world, ids } = await batched(Array.from({ length: 10 }, (_, index) => `Task ${index}`));
    world.pass(2 * 3_600);
    for (const id of ids) await cancel(world, id);
    const before = await Promise.all(ids.map((id) => world.see(id)));
    await world.ticks(15);
    expect(await world.deps.manifests.open()).toEqual([]);
    expect(await Promise.all(ids.map((id) => world.see(id)))).toEqual(before);
    const results = (await Promise.all(ids.map((id) => world.deps.turns.read(id)))).flatMap((facts) => facts.results);
    const types = new Set(results.map(({ type }) => type));
    expect([results.length, types]).toEqual([10, new Set(["succeeded", "canceled"])]);
    expect(world.api.model.bill().length).toBe(results.filter(({ billed }) => billed).length);
  });

  it("is canceled when the deadline of its last session passes", async () => {
    const { world } = await batched(["One."], { timeoutSeconds: 600, onDeadline: "fail" });
    world.pass(601);
    await world.poll();
    expect(cancelCalls(world)).toBe(1);
  });

  it("is canceled when the last of its sessions has its answer from a fallback", async () => {
    const { world, ids } = await batched(["One."], { timeoutSeconds: 1_200, onDeadline: "fallback" });
    await world.ticks(25);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", winner: expect.stringMatching(/^rt-/) });
    expect(cancelCalls(world)).toBe(1);
  });

  it("is kept while one of its sessions runs as a fallback, since the batch may yet be what answers", async () => {
    const { world, ids } = await batched(["One.", "Two."]);
    const seen = (await world.deps.sessions.get(ids[0]!))!;
    const run = { run: "rt-1", runEndsAt: world.clock.now() + 3_600_000 };
    await world.deps.sessions.move("fallBack", seen, "running", run);
    await cancel(world, ids[1]!);
    await world.poll();
    expect([cancelCalls(world), await departures(world)]).toEqual([0, []]);
  });

  it("is asked for again at the next tick where the call fails, and let be where it has ended meanwhile", async () => {
    const { world, ids } = await batched(["One."]);
    await cancel(world, ids[0]!);
    const anthropicFor = (credential: Parameters<typeof world.anthropicFor>[0]): Anthropic => ({
      ...world.anthropicFor(credential),
      cancelBatch: () => Promise.reject(new Error("away")),
    });
    await world.poll({ anthropicFor });
    expect(await departures(world)).toHaveLength(1);
    await world.poll();
    expect([cancelCalls(world), await departures(world)]).toEqual([1, []]);
    world.pass(5 * 3_600);
    await world.deps.departures.note((await world.deps.manifests.open())[0]!.manifestId);
    await world.poll();
    expect([cancelCalls(world), await departures(world)]).toEqual([1, []]);
  });

  it("is let be where the note of who left it was lost, and costs what it costs", async () => {
    const { world, ids } = await batched(["One."]);
    const note = () => Promise.reject(new Error("away"));
    const departing = { ...world.deps.departures, note };
    const answer = await world.postWith(`/api/sessions/${ids[0]}/cancel`, undefined, { departures: departing });
    expect(answer.status).toBe(200);
    expect(world.codes()).toContain("departure_lost");
    await world.ticks(300);
    expect(cancelCalls(world)).toBe(0);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "canceled", delivered: true });
    expect(await world.deps.manifests.open()).toEqual([]);
  });

  it("whose create call has no answer yet keeps its note until its batch is known", async () => {
    const world = testWorld(slow);
    const sessionId = await world.accept();
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createBatch"), when: "after" });
    await half.process.run(() => half.batch());
    await cancel(world, sessionId);
    await world.poll();
    expect([cancelCalls(world), (await departures(world)).length]).toEqual([0, 1]);
    world.pass(5 * 3_600);
    await world.ticks(5);
    expect(await departures(world)).toEqual([]);
    expect(await world.see(sessionId)).toMatchObject({ status: "canceled" });
  });
});

describe("the note that somebody left a manifest", () => {
  it("stays where somebody else has left it since it was read", async () => {
    const { departures: store } = testWorld().deps;
    await store.note("m");
    const [read] = await store.list(10);
    await store.note("m");
    await store.forget(read!);
    expect(await store.list(10)).toHaveLength(1);
    await store.forget((await store.list(10))[0]!);
    expect(await store.list(10)).toEqual([]);
  });

  it("is read the oldest manifest first, and a bounded number", async () => {
    const { departures: store } = testWorld().deps;
    for (const manifestId of ["b", "c", "a"]) await store.note(manifestId);
    expect((await store.list(2)).map(({ manifestId }) => manifestId)).toEqual(["a", "b"]);
  });
});
