import { describe, expect, it } from "vitest";
import { resultsLifeSeconds } from "../../../functions/domain/limits.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const ended = async (world: TestWorld, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let task = 0; task < count; task += 1) ids.push(await world.accept(`Task ${task}.`));
  await world.batch();
  world.pass(600);
  return ids;
};
const idsTold = (world: TestWorld, ids: readonly string[]) => ids.map((id) => world.told(id).length);
const manifestOf = (world: TestWorld) => world.table.items().find(({ sk }) => sk === "HEAD");
const away = () => Promise.reject(new Error("InternalServerError"));

describe("a turn that the results of its manifest ended", () => {
  it("is in no index while the manifest is read, and told of by then", async () => {
    const world = testWorld();
    const ids = await ended(world, 3);
    const seen: unknown[] = [];
    const put: typeof world.events.put = async (events) => {
      for (const id of ids) seen.push((await world.see(id))["due"]);
      return world.events.put(events);
    };
    await world.poll({ events: { put } });
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(idsTold(world, ids)).toEqual([1, 1, 1]);
    expect(manifestOf(world)).toMatchObject({ state: "settled" });
  });

  it("is told of by the fact of its delivery, and written to no more", async () => {
    const world = testWorld();
    const ids = await ended(world, 3);
    const notes: string[] = [];
    const { sessions } = world.deps;
    const note: typeof sessions.note = (name, ...rest) => {
      notes.push(name);
      return sessions.note(name, ...rest);
    };
    await world.poll({ sessions: { ...sessions, note } });
    expect(notes).toEqual([]);
    const listed = await world.http("/api/sessions");
    const { sessions: shown }: { sessions: { delivery: unknown }[] } = JSON.parse(await listed.text());
    expect(shown.map(({ delivery }) => delivery)).toEqual(
      ids.toReversed().map((id) => ({ status: "delivered", id: `${id}.1.completed` })),
    );
    const next = await world.http(`/api/sessions/${ids[0]}/messages`, { method: "POST", body: '{"message":"More."}' });
    expect(next.status).toBe(202);
    expect(idsTold(world, ids)).toEqual([1, 1, 1]);
  });

  it("keeps the time of its delivery when the user speaks again", async () => {
    const world = testWorld();
    const [id] = await ended(world, 1);
    await world.poll();
    const deliveredAt = async () => {
      const answer = await world.http(`/api/sessions/${id}`);
      const { timeline }: { timeline: { at: string; status: string; turn: number }[] } = JSON.parse(
        await answer.text(),
      );
      return timeline.find(({ status, turn }) => status === "delivered" && turn === 1)?.at;
    };
    const before = await deliveredAt();
    world.pass(3_600);
    await world.http(`/api/sessions/${id}/messages`, { method: "POST", body: '{"message":"More."}' });
    expect(before).toBeDefined();
    expect(await deliveredAt()).toBe(before);
  });

  it("is not told of again by a further reading of the same results", async () => {
    const world = testWorld();
    const ids = await ended(world, 3);
    const { manifests } = world.deps;
    const move: typeof manifests.move = (name, ...rest) => (name === "settle" ? away() : manifests.move(name, ...rest));
    await world.poll({ manifests: { ...manifests, move } });
    expect(manifestOf(world)).toMatchObject({ state: "submitted" });
    await world.ticks(3);
    expect(manifestOf(world)).toMatchObject({ state: "settled" });
    expect(idsTold(world, ids)).toEqual([1, 1, 1]);
  });

  it("keeps its manifest open where nothing could be noted of it, and is told of when that can be", async () => {
    const world = testWorld();
    const ids = await ended(world, 3);
    const { turns, sessions } = world.deps;
    await world.poll({ turns: { ...turns, insertDeliveries: away }, sessions: { ...sessions, note: away } });
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done" });
    expect(await world.see(ids[0]!)).not.toHaveProperty("due");
    expect(manifestOf(world)).toMatchObject({ state: "submitted" });
    await world.ticks(3);
    expect(manifestOf(world)).toMatchObject({ state: "settled" });
    for (const id of ids) expect(await world.see(id)).toMatchObject({ delivered: true });
  });

  it("is due by itself where the bus did not take it, and its manifest is done", async () => {
    const world = testWorld();
    const [id] = await ended(world, 1);
    await world.poll({ events: { put: async (events) => events.map(() => false) } });
    expect(manifestOf(world)).toMatchObject({ state: "settled" });
    expect(await world.see(id!)).toMatchObject({ status: "done", due: expect.stringMatching(/^deliver#/) });
    await world.ticks(4);
    expect(idsTold(world, [id!])).toEqual([1]);
  });

  it("is told of even where the results are gone by the next reading", async () => {
    const world = testWorld();
    const ids = await ended(world, 2);
    const { turns, sessions } = world.deps;
    await world.poll({ turns: { ...turns, insertDeliveries: away }, sessions: { ...sessions, note: away } });
    const before = idsTold(world, ids);
    world.pass(resultsLifeSeconds + 3_600);
    await world.ticks(2);
    expect(manifestOf(world)).toMatchObject({ state: "settled" });
    expect(idsTold(world, ids)).toEqual(before.map((count) => count + 1));
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", delivered: true });
  });

  it("is told of by a second reader, where the first moved it and died before it could", async () => {
    const world = testWorld({ withLeases: false });
    const [id] = await ended(world, 1);
    const { sessions } = world.deps;
    const hangs = () => new Promise<never>(() => {});
    let isFirstAtIt = false;
    // The second has read the session before the first moved it, and moves after that.
    const getMany: typeof sessions.getMany = async (ids) => {
      const stale = await sessions.getMany(ids);
      if (!isFirstAtIt && stale.sessions.some(({ status }) => status === "submitted")) {
        isFirstAtIt = true;
        void world.poll({ events: { put: hangs } });
        while ((await world.see(id!))["status"] !== "done") await new Promise((resolve) => setTimeout(resolve, 1));
        world.pass(1);
      }
      return stale;
    };
    await world.poll({ sessions: { ...sessions, getMany } });
    expect(idsTold(world, [id!])).toEqual([1]);
    expect(await world.see(id!)).toMatchObject({ status: "done", delivered: true });
  });
});
