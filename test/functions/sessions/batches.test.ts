import { describe, expect, it } from "vitest";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const get = async (world: TestWorld, path: string, init?: RequestInit) => {
  const response = await world.http(path, init);
  const body: Json = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
};
const day = 24 * 3_600;
const nobody = "01KAJ8Z3M4N5P6Q7R8S9T0V1W2";

/** Batches of one session each, a minute apart. @returns the ids of their manifests, the newest first */
async function batchesOf(world: TestWorld, count: number, more: Record<string, unknown> = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const sessionId = await world.accept(`Task ${made}.`, more);
    await world.batch();
    world.pass(60);
    ids.unshift(String((await world.see(sessionId))["manifestId"]));
  }
  return ids;
}

describe("GET /api/batches", () => {
  it("is empty where nothing was ever sent", async () => {
    expect((await get(testWorld(), "/api/batches")).body).toEqual({ batches: [] });
  });

  it("shows a batch from its creation until it is settled: state, counts, age, API id", async () => {
    const world = testWorld();
    await world.accept("One.");
    await world.accept("Two.");
    await world.batch();
    const createdAt = new Date(world.clock.now()).toISOString();
    world.pass(90);
    const open = (await get(world, "/api/batches")).body.batches;
    expect(open).toEqual([
      {
        manifestId: expect.stringMatching(/^[0-9A-Z]{26}$/),
        batchId: expect.stringMatching(/^msgbatch_/),
        lane: "default",
        state: "submitted",
        count: 2,
        bytes: expect.any(Number),
        createdAt,
        ageSeconds: 90,
        notAfter: expect.any(String),
        workspaceId: expect.any(String),
        readFailures: 0,
      },
    ]);
    await world.ticks(15);
    const [settled] = (await get(world, "/api/batches")).body.batches;
    expect(settled).toMatchObject({ ...open[0], state: "settled", ageSeconds: 90 + 15 * 60 });
    expect(settled.results).toEqual({ succeeded: 2, errored: 0, canceled: 0, expired: 0 });
    expect(Date.parse(settled.settledAt)).toBeGreaterThanOrEqual(Date.parse(settled.endedAt));
  });

  it("is the newest first, a page at a time, across midnight", async () => {
    const world = testWorld();
    const older = await batchesOf(world, 2);
    world.pass(day);
    const newer = await batchesOf(world, 3);
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await get(world, `/api/batches?limit=2${cursor}`);
      seen.push(...body.batches.map(({ manifestId }: Json) => manifestId));
      expect(body.batches.length).toBeGreaterThan(0);
      cursor = body.cursor === undefined ? "" : `&cursor=${body.cursor}`;
    } while (cursor !== "");
    expect(seen).toEqual([...newer, ...older]);
  });

  it("goes back 35 days, and no further", async () => {
    const world = testWorld();
    await batchesOf(world, 1);
    world.pass(10 * day);
    const [later] = await batchesOf(world, 1);
    world.pass(26 * day);
    const { body } = await get(world, "/api/batches");
    expect(body.batches.map(({ manifestId }: Json) => manifestId)).toEqual([later]);
    expect(body.cursor).toBeUndefined();
  });

  it("can be asked for one state, or one lane", async () => {
    const world = testWorld();
    const [first] = await batchesOf(world, 1);
    await world.ticks(15);
    const [bulk] = await batchesOf(world, 1, { lane: "bulk" });
    const idsOf = async (query: string) =>
      (await get(world, `/api/batches?${query}`)).body.batches.map(({ manifestId }: Json) => manifestId);
    expect(await idsOf("state=settled")).toEqual([first]);
    expect(await idsOf("lane=bulk")).toEqual([bulk]);
    expect(await idsOf("lane=bulk&state=settled")).toEqual([]);
    expect(await idsOf("lane=none")).toEqual([]);
  });

  it("shows why one was given up, and which one a half came from", async () => {
    const world = testWorld();
    world.api.refuse = (body) => (body.includes("Poison") ? "messages: cannot be read" : undefined);
    await world.accept("Sound.");
    await world.accept("Poison.");
    await world.batch();
    const { batches } = (await get(world, "/api/batches")).body;
    const whole = batches.find(({ parent }: Json) => parent === undefined);
    expect(whole).toMatchObject({ state: "closed", reason: "split", count: 2 });
    const halves = batches.filter(({ parent }: Json) => parent === whole.manifestId);
    expect(halves.map(({ state }: Json) => state).toSorted()).toEqual(["closed", "submitted"]);
  });

  it("marks one that cannot be read, and logs which; none of its fields is known to match", async () => {
    const world = testWorld();
    const [sound, damaged] = await batchesOf(world, 2);
    const key = { pk: `MANIFEST#${damaged}`, sk: "HEAD" };
    await world.table.update({ key, set: { state: "lost" }, when: [] });
    const { body } = await get(world, "/api/batches");
    expect(body.batches).toEqual([
      expect.objectContaining({ manifestId: sound, state: "submitted" }),
      { manifestId: damaged, damaged: true },
    ]);
    const { batches } = (await get(world, "/api/batches?lane=default")).body;
    expect(batches.map(({ manifestId }: Json) => manifestId)).toEqual([sound]);
    expect(world.logs).toContainEqual({ code: "manifest_unreadable", fields: { manifestId: damaged } });
  });

  it.each([
    ["state=open", "state"],
    ["limit=0", "limit"],
    ["cursor=x", "cursor"],
    ["lanes=bulk", "lanes"],
  ])("answers 400 to %s, naming the parameter", async (query, param) => {
    const { status, body } = await get(testWorld(), `/api/batches?${query}`);
    expect([status, body.error.param]).toEqual([400, param]);
  });
});

describe("GET /api/batches/{id}", () => {
  it("finds a batch by our id, in either case, and by Anthropic's", async () => {
    const world = testWorld();
    const [manifestId = ""] = await batchesOf(world, 1);
    const { body } = await get(world, `/api/batches/${manifestId}`);
    expect(body).toMatchObject({ manifestId, state: "submitted", count: 1 });
    expect((await get(world, `/api/batches/${manifestId.toLowerCase()}`)).body).toEqual(body);
    expect((await get(world, `/api/batches/${body.batchId}`)).body).toEqual(body);
  });

  it("shows its members and how each stands: waiting, ended here, or gone on", async () => {
    const world = testWorld();
    const done = await world.accept("Done.");
    const again = await world.accept("[[stand-in: errored overloaded_error]]");
    await world.batch();
    const manifestId = String((await world.see(done))["manifestId"]);
    const before = (await get(world, `/api/batches/${manifestId}`)).body;
    expect(before.counts).toEqual({ of: 2, waiting: 2 });
    expect(before.members).toContainEqual({ sessionId: done, turn: 1, status: "submitted", standing: "waiting" });
    await world.ticks(15);
    const after = (await get(world, `/api/batches/${manifestId}`)).body;
    expect(after.members).toContainEqual({ sessionId: done, turn: 1, status: "done", standing: "ended" });
    expect(after.members.find(({ sessionId }: Json) => sessionId === again).standing).toBe("left");
    expect(after.counts).toEqual({ of: 2, done: 1, left: 1 });
    expect(after.quarantinedLines).toBe(0);
  });

  it("shows the members of a large batch a page at a time, and counts only the first thousand", async () => {
    const agents = { list: [{ id: "worker" }] };
    const world = testWorld({ config: { agents, lanes: [{ id: "default", maxBatchRequests: 2_000 }] } });
    for (let made = 0; made < 1_001; made += 1) await world.accept("Count.");
    await world.batch();
    const [{ manifestId }] = (await get(world, "/api/batches")).body.batches;
    const first = (await get(world, `/api/batches/${manifestId}?limit=200`)).body;
    expect(first.counts).toEqual({ of: 1_000, waiting: 1_000 });
    const seen = new Set(first.members.map(({ sessionId }: Json) => sessionId));
    let cursor = first.membersCursor;
    for (let pages = 0; cursor !== undefined && pages < 10; pages += 1) {
      const { body } = await get(world, `/api/batches/${manifestId}?limit=200&cursor=${cursor}`);
      expect(body).not.toHaveProperty("counts");
      for (const { sessionId } of body.members) seen.add(sessionId);
      cursor = body.membersCursor;
    }
    expect(seen.size).toBe(1_001);
    expect(cursor).toBeUndefined();
  });

  it("says that a page of members is damaged, and shows the rest", async () => {
    const world = testWorld();
    const [manifestId = ""] = await batchesOf(world, 1);
    await world.table.put({ item: { pk: `MANIFEST#${manifestId}`, sk: "PAGE#00001", members: 7 }, when: [] });
    const { status, body } = await get(world, `/api/batches/${manifestId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ manifestId, count: 1, counts: { of: 0 }, members: [], damaged: true });
  });

  it.each(["its own id", "the batch's"])("shows who is in one whose record is damaged, found by %s", async (by) => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.batch();
    const { manifestId, batchId } = (await get(world, "/api/batches")).body.batches[0];
    await world.table.update({ key: { pk: `MANIFEST#${manifestId}`, sk: "HEAD" }, set: { state: "lost" }, when: [] });
    const { status, body } = await get(world, `/api/batches/${by === "its own id" ? manifestId : batchId}`);
    expect(status).toBe(200);
    const members = [expect.objectContaining({ sessionId, standing: "waiting" })];
    expect(body).toEqual({ manifestId, damaged: true, quarantinedLines: 0, counts: { of: 1, waiting: 1 }, members });
  });

  it("answers 404 to an id of nobody, and of a batch that is not ours", async () => {
    const world = testWorld();
    await world.deps.manifests.markForeign("msgbatch_foreign");
    for (const id of [nobody, "msgbatch_none", "msgbatch_foreign", "x", "%00"]) {
      const { status, body } = await get(world, `/api/batches/${id}`);
      expect([id, status, body.error.type]).toEqual([id, 404, "not_found_error"]);
    }
  });

  it.each(["0.0", "1.1000", "x", "1", "99999999.0"])("answers 400 to the cursor %s", async (cursor) => {
    const world = testWorld();
    const [manifestId] = await batchesOf(world, 1);
    const { status, body } = await get(world, `/api/batches/${manifestId}?cursor=${cursor}`);
    expect([status, body.error.param]).toEqual([400, "cursor"]);
  });

  it("takes GET only", async () => {
    for (const path of ["/api/batches", `/api/batches/${nobody}`]) {
      const { status, headers } = await get(testWorld(), path, { method: "POST" });
      expect([status, headers.get("allow")]).toEqual([405, "GET"]);
    }
  });
});
