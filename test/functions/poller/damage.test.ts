import { describe, expect, it } from "vitest";
import { type TestWorld, testWorld } from "../../support/world.ts";

const all = (world: TestWorld, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await world.see(id))["status"]));
const corrupt = (world: TestWorld) => world.logs.filter(({ code }) => code === "record_corrupt").length;

/** Overwrites attributes of one item, as no code of ours would. */
async function damage(world: TestWorld, key: { pk: string; sk: string }, set: Record<string, unknown>) {
  expect(await world.table.get(key)).toBeDefined();
  await world.table.update({ key, set, when: [] });
}

const metaOf = (id: string) => ({ pk: `SESSION#${id}`, sk: "META" });
const bug = () => Promise.reject(new TypeError("a bug"));

describe("a session whose small item cannot be read", () => {
  it("is told of and looked at once an hour, not each tick, and holds up nobody", async () => {
    const world = testWorld();
    const [broken, sound] = [await world.accept("One."), await world.accept("Two.")];
    await damage(world, metaOf(broken), { status: "lost" });
    await world.ticks(60);
    expect(corrupt(world)).toBe(1);
    await world.ticks(60);
    expect(corrupt(world)).toBe(2);
    expect(await all(world, [sound])).toEqual(["done"]);
  });

  it("goes on by itself once it was put right", async () => {
    const world = testWorld();
    const id = await world.accept();
    await damage(world, metaOf(id), { turn: "one" });
    await world.ticks(10);
    await damage(world, metaOf(id), { turn: 1 });
    await world.ticks(90);
    expect(await all(world, [id])).toEqual(["done"]);
  });

  it.each(["deadline", "deliver"] as const)("is as rarely looked at by the sweep of %s", async (purpose) => {
    const world = testWorld();
    const id = await world.accept();
    const { due } = await world.see(id);
    await damage(world, metaOf(id), { status: "lost", due: String(due).replace("rescue", purpose) });
    await world.ticks(60);
    expect(corrupt(world)).toBe(1);
  });
});

describe("a session over which the poller throws each tick", () => {
  it("in its rescue is looked at ever more rarely and then ends; the others are rescued", async () => {
    const world = testWorld();
    const [poison, sound] = [await world.accept("One."), await world.accept("Two.")];
    const lost = await world.queues.receive("default");
    await world.queues.remove(
      "default",
      lost.map(({ handle }) => handle),
    );
    const { sessions } = world.deps;
    const move: typeof sessions.move = (name, seen, ...rest) =>
      name === "resend" && seen.sessionId === poison ? bug() : sessions.move(name, seen, ...rest);
    for (let minute = 0; minute < 300; minute += 1) {
      await world.batch();
      await world.poll({ sessions: { ...sessions, move } });
      world.pass(60);
    }
    expect(await world.see(poison)).toMatchObject({ status: "failed", error: { type: "poison" }, delivered: true });
    expect(await all(world, [sound])).toEqual(["done"]);
    const failures = world.logs.filter(({ fields }) => fields["step"] === "rescue" && fields["sessionId"] === poison);
    expect(failures).toHaveLength(7);
  });

  it("but moved all the same, its answer lost, is looked at where it stands now: nobody forgets it", async () => {
    const world = testWorld();
    const id = await world.accept("Soon.", { timeoutSeconds: 600, onDeadline: "fallback" });
    await world.queues.receive("default");
    world.pass(500);
    const send = () => bug();
    await world.poll({ queues: { ...world.queues, send } });
    expect(await world.see(id)).toMatchObject({ mode: "realtime", due: expect.stringMatching(/^rescue#/) });
    await world.ticks(45);
    expect(await all(world, [id])).toEqual(["done"]);
  });

  it("at its deadline ends as well, and keeps no other's deadline from being acted upon", async () => {
    const world = testWorld({ batchSeconds: { min: 80_000, max: 80_000 } });
    const deadline = { timeoutSeconds: 600, onDeadline: "fail" };
    const ids = [await world.accept("One.", deadline), await world.accept("Two.", deadline)];
    const { sessions } = world.deps;
    const move: typeof sessions.move = (name, seen, ...rest) =>
      name === "timeOut" && seen.sessionId === ids[0] ? bug() : sessions.move(name, seen, ...rest);
    for (let minute = 0; minute < 300; minute += 1) {
      await world.batch();
      await world.poll({ sessions: { ...sessions, move } });
      world.pass(60);
    }
    expect(await all(world, ids)).toEqual(["failed", "timeout"]);
  });

  it("whose event cannot be made keeps no other's from the bus, and stays due", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.")];
    const { turns } = world.deps;
    const insertDelivery: typeof turns.insertDelivery = (delivery) =>
      delivery.sessionId === ids[0] ? bug() : turns.insertDelivery(delivery);
    for (let minute = 0; minute < 30; minute += 1) {
      await world.batch();
      await world.poll({ turns: { ...turns, insertDelivery, insertDeliveries: bug } });
      world.pass(60);
    }
    const seen = await Promise.all(ids.map((id) => world.see(id)));
    expect(seen.map(({ delivered }) => delivered)).toEqual([undefined, true]);
    await world.ticks(5);
    expect(await world.see(ids[0]!)).toMatchObject({ delivered: true });
  });

  it("when its line is settled leaves the others of its batch, and every other batch, to be settled", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.")];
    await world.batch();
    world.pass(1);
    const later = await world.accept("Three.");
    await world.batch();
    const { sessions } = world.deps;
    const move: typeof sessions.move = (name, seen, ...rest) =>
      name !== "claim" && seen.sessionId === ids[0] ? bug() : sessions.move(name, seen, ...rest);
    for (let minute = 0; minute < 120; minute += 1) {
      await world.poll({ sessions: { ...sessions, move } });
      world.pass(60);
    }
    expect(await all(world, [...ids, later])).toEqual(["submitted", "done", "done"]);
    // The bug was fixed.
    await world.ticks(15);
    expect((await all(world, ids))[0]).not.toBe("submitted");
  });
});

describe("a manifest that cannot be read", () => {
  const twoBatches = async (world: TestWorld) => {
    const ids = [await world.accept("One.")];
    await world.batch();
    world.pass(1);
    ids.push(await world.accept("Two."));
    await world.batch();
    const names = await Promise.all(ids.map(async (id) => String((await world.see(id))["manifestId"])));
    return { ids, names };
  };

  it("in its entry among the open ones is found by its key, and hides no other", async () => {
    const world = testWorld();
    const { ids, names } = await twoBatches(world);
    await damage(world, { pk: "OPEN", sk: `default#${names[0]}` }, { manifestId: 7, lane: null, count: "many" });
    await world.ticks(20);
    expect(await all(world, ids)).toEqual(["done", "done"]);
    expect(await world.deps.manifests.open()).toEqual([]);
  });

  it("in its head is told of each tick, and every other is settled", async () => {
    const world = testWorld();
    const { ids, names } = await twoBatches(world);
    await damage(world, { pk: `MANIFEST#${names[0]}`, sk: "HEAD" }, { state: "gone" });
    await world.ticks(20);
    expect(await all(world, ids)).toEqual(["submitted", "done"]);
    expect(corrupt(world)).toBeGreaterThanOrEqual(20);
    await damage(world, { pk: `MANIFEST#${names[0]}`, sk: "HEAD" }, { state: "submitted" });
    await world.ticks(3);
    expect(await all(world, ids)).toEqual(["done", "done"]);
  });

  it("in a page still settles whoever has a line, and every other manifest", async () => {
    const world = testWorld();
    const { ids, names } = await twoBatches(world);
    await damage(world, { pk: `MANIFEST#${names[0]}`, sk: "PAGE#00001" }, { members: 3 });
    await world.ticks(20);
    expect(await all(world, ids)).toEqual(["done", "done"]);
    expect(await world.deps.manifests.get(names[0]!)).toMatchObject({
      state: "submitted",
      readProblem: "CorruptRecordError",
    });
    expect(await world.deps.manifests.get(names[1]!)).toMatchObject({ state: "settled" });
  });

  it("in a page keeps no other that was given up from being let go", async () => {
    const world = testWorld();
    const ids: string[] = [];
    for (const task of ["One.", "Two."]) {
      ids.push(await world.accept(task));
      const half = world.crashing({ at: (what) => what.startsWith("table.update HEAD submitting"), when: "before" });
      await half.process.run(() => half.batch());
      world.pass(1200);
    }
    const { manifestId } = await world.see(ids[0]!);
    await damage(world, { pk: `MANIFEST#${String(manifestId)}`, sk: "PAGE#00001" }, { members: 3 });
    await world.ticks(40);
    expect(await all(world, ids)).toEqual(["submitted", "done"]);
  });
});

describe("a result that cannot be read", () => {
  it.each([
    { what: "facts", set: { billed: "perhaps" }, lost: { damaged: [expect.stringMatching(/^RESULT#0001#/)] } },
    { what: "body", set: { body: { kind: "gzip", bytes: new Uint8Array([1, 2, 3]) } }, lost: {} },
  ])("in its $what leaves the session to be read, and says what is missing", async ({ set, lost }) => {
    const world = testWorld();
    const id = await world.accept("Write.");
    await world.ticks(15);
    const { winner } = await world.see(id);
    await damage(world, { pk: `SESSION#${id}`, sk: `RESULT#0001#${String(winner)}` }, set);
    const answer = await world.http(`/api/sessions/${id}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: "done", ...lost });
    const history = await world.http(`/api/sessions/${id}/history`);
    expect(history.status).toBe(200);
    expect(await history.json()).toMatchObject({ messages: [{ role: "user", content: "Write." }] });
  });

  it("counts as a missing cost, never as nothing", async () => {
    const world = testWorld();
    const id = await world.accept();
    await world.ticks(15);
    const { winner } = await world.see(id);
    await damage(world, { pk: `SESSION#${id}`, sk: `RESULT#0001#${String(winner)}` }, { billed: "perhaps" });
    const answer: { cost: object } = JSON.parse(await (await world.http(`/api/sessions/${id}`)).text());
    expect(answer.cost).toMatchObject({ missing: 1 });
  });
});

describe("a manifest whose head cannot be read", () => {
  const asked = (onDeadline: string) => ({ timeoutSeconds: 1_800, onDeadline });
  const inBatch = async (onDeadline: string) => {
    const world = testWorld({ batchSeconds: { min: 7_200, max: 7_200 } });
    const id = await world.accept("Hurry.", asked(onDeadline));
    await world.ticks(2);
    const { manifestId } = await world.see(id);
    return { world, id, head: { pk: `MANIFEST#${String(manifestId)}`, sk: "HEAD" } };
  };

  it("keeps no deadline from being met", async () => {
    const { world, id, head } = await inBatch("fail");
    await damage(world, head, { state: "lost" });
    await world.ticks(29);
    expect(await all(world, [id])).toEqual(["timeout"]);
  });

  it("is no fault of a session whose fallback failed: it waits, and goes on once that was put right", async () => {
    const { world, id, head } = await inBatch("fallback");
    world.api.faults.set({ on: "message", kind: "bad_request", times: 1 });
    await damage(world, head, { state: "lost" });
    await world.ticks(170);
    expect(await world.see(id)).toMatchObject({ status: "submitted", fellBack: true });
    expect(await world.see(id)).not.toHaveProperty("visits");
    await damage(world, head, { state: "submitted" });
    await world.ticks(4);
    expect(await all(world, [id])).toEqual(["done"]);
  });
});

describe("a lane whose state cannot be read", () => {
  it.each([
    ["default", "batch"],
    ["realtime", "realtime"],
  ])("waits, and says so, and none of its sessions is held to be at fault: %s", async (lane, routing) => {
    const world = testWorld();
    await world.deps.lanes.park(lane, "rate_limit");
    const key = { pk: `LANE#${lane}`, sk: "STATE" };
    await damage(world, key, { until: "soon" });
    const id = await world.accept("One.", { routing });
    await world.ticks(200);
    expect(await world.see(id)).toMatchObject({ status: "queued", attempt: 1 });
    expect(await world.see(id)).not.toHaveProperty("visits");
    expect(await world.deps.lanes.parked(lane)).toMatchObject({ reason: "unreadable" });
    expect(world.figures("parkedLanes").at(-1)).toBe(1);
    expect((await world.http("/api/lanes")).status).toBe(200);
    await world.table.transact([{ remove: { key, when: [] } }]);
    await world.ticks(80);
    expect(await all(world, [id])).toEqual(["done"]);
  });
});

describe("the books", () => {
  const totalOf = async (world: TestWorld) => {
    const answer = await world.http("/api/usage");
    expect(answer.status).toBe(200);
    const { totals, pending } = (await answer.json()) as { totals: { results: number }; pending: number };
    return { results: totals.results, pending };
  };
  const keyOf = (world: TestWorld, partition: string) => {
    const { pk, sk } = world.table.items().find((item) => item.pk.startsWith(partition))!;
    return { pk, sk };
  };

  it.each([
    ["the sum of a day", "USAGE#", { body: 7 }],
    ["the text of one", "USAGE#", { body: { kind: "text", text: "no rollup" } }],
  ])("say what they lack, and make it anew, where %s is damaged", async (_, partition, set) => {
    const world = testWorld();
    await world.accept();
    await world.ticks(20);
    expect(await totalOf(world)).toEqual({ results: 1, pending: 0 });
    await damage(world, keyOf(world, partition), set);
    expect(await totalOf(world)).toEqual({ results: 0, pending: 1 });
    await world.ticks(1);
    expect(await totalOf(world)).toEqual({ results: 1, pending: 0 });
  });

  it("make a damaged sum of a manifest anew before they sum its day", async () => {
    const world = testWorld();
    await world.accept();
    await world.ticks(20);
    await damage(world, keyOf(world, "SPENT#"), { body: 7 });
    await world.accept();
    await world.ticks(20);
    expect(await totalOf(world)).toEqual({ results: 2, pending: 0 });
  });

  it("sum what is marked, though the mark itself is damaged", async () => {
    const world = testWorld();
    await world.accept();
    await world.ticks(20);
    await world.http("/api/usage/rebuild", { method: "POST" });
    const mark = world.table.items().find(({ pk }) => pk === "UNSUMMED")!;
    await damage(world, { pk: mark.pk, sk: mark.sk }, { mark: 7 });
    await world.ticks(3);
    expect(await totalOf(world)).toEqual({ results: 1, pending: 0 });
    expect(world.table.items().filter(({ pk }) => pk === "UNSUMMED")).toEqual([]);
  });
});
