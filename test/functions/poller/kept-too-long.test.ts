import { describe, expect, it } from "vitest";
import type { Item } from "../../../functions/clients/table.ts";
import { isExpired } from "../../../functions/domain/retention.ts";
import { everyKind, kindOf } from "../../support/every-kind.ts";
import { booksOf } from "../../support/money.ts";
import { type TestWorld, testWorld, type WorldOptions } from "../../support/world.ts";

const days = (count: number) => count * 24 * 3600;
const statusOf = async (world: TestWorld, id: string) => (await world.http(`/api/sessions/${id}`)).status;
const post = (world: TestWorld, path: string, body: object, headers: Record<string, string> = {}) =>
  world.http(path, { method: "POST", body: JSON.stringify(body), headers });

/** The same services, a look every six hours, for so many days. */
async function live(world: TestWorld, count: number): Promise<void> {
  for (let look = 0; look < count * 4; look += 1) {
    await world.batch();
    await world.poll();
    world.pass(6 * 3600);
  }
}

/** What the table does with what has expired, when it gets to it. */
async function removeExpired(world: TestWorld): Promise<void> {
  for (const { pk, sk, ...item } of world.table.items())
    if (isExpired(item, world.clock.now())) await world.table.transact([{ remove: { key: { pk, sk }, when: [] } }]);
}

async function done(options: WorldOptions = {}) {
  const world = testWorld(options);
  const id = await world.accept("Write.", { label: "nightly" });
  await world.ticks(15);
  expect(await world.see(id)).toMatchObject({ status: "done", delivered: true });
  return { world, id };
}

describe("a session that has ended", () => {
  it("carries one end with all that is beside it, a month after it takes no more messages", async () => {
    const { world, id } = await done();
    const isIts = ({ pk, sk }: Item) => pk === `SESSION#${id}` || sk.startsWith("DELIVERED#");
    const items = world.table.items().filter(isIts);
    expect(items.map(kindOf).toSorted()).toEqual([
      "MANIFEST-DELIVERED",
      "SESSION-META",
      "SESSION-REQUEST",
      "SESSION-RESULT",
    ]);
    expect(new Set(items.map(({ expiresAt }) => expiresAt)).size).toBe(1);
    expect(await (await world.http(`/api/sessions/${id}`)).json()).toMatchObject({
      createdAt: "2026-11-22T03:00:00.000Z",
      expiresAt: "2027-03-22T03:00:00.000Z",
    });
  });

  it("takes messages until its last month, and says clearly that it takes no more", async () => {
    const { world, id } = await done();
    world.pass(days(89));
    expect((await post(world, `/api/sessions/${id}/messages`, { message: "More." })).status).toBe(202);
    await world.ticks(15);
    world.pass(days(1));
    const refused = await post(world, `/api/sessions/${id}/messages`, { message: "And more." });
    expect(refused.status).toBe(410);
    expect(await refused.json()).toMatchObject({ error: { type: "gone_error" } });
    expect(await statusOf(world, id)).toBe(200);
  });

  it("keeps its end, whatever the configuration says later", async () => {
    const { world, id } = await done();
    world.pass(days(70));
    const short = world.configured({ agents: { list: [{ id: "worker" }] }, retentionDays: 35 });
    const answer = await short.http(`/api/sessions/${id}/messages`, {
      method: "POST",
      body: JSON.stringify({ message: "More." }),
    });
    expect(answer.status).toBe(202);
  });

  it("is gone on its day, though the table has not removed it yet, and from every list", async () => {
    const { world, id } = await done();
    world.pass(days(120));
    expect(await world.see(id)).toMatchObject({ status: "done" });
    for (const path of [`/api/sessions/${id}`, `/api/sessions/${id}/history`])
      expect((await world.http(path)).status).toBe(404);
    for (const path of ["/api/sessions", "/api/sessions?label=nightly"])
      expect(await (await world.http(path)).json()).toEqual({ sessions: [] });
    expect((await post(world, `/api/sessions/${id}/messages`, { message: "More." })).status).toBe(404);
  });

  it.each([false, true])("leaves its key to be used again, with a budget: %s", async (hasBudget) => {
    const budget = hasBudget ? { budget: { usdPerDay: 5 } } : {};
    const world = testWorld({ config: { agents: { list: [{ id: "worker", cacheRetention: "none", ...budget }] } } });
    const key = { "idempotency-key": "nightly-1" };
    const first = await (await post(world, "/api/sessions/spawn", { task: "One." }, key)).json();
    await world.ticks(15);
    world.pass(days(120));
    const again = await post(world, "/api/sessions/spawn", { task: "Another." }, key);
    expect(again.status).toBe(202);
    const { sessionId } = (await again.json()) as { sessionId: string };
    expect(first).toMatchObject({ sessionId });
    await world.ticks(15);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
    const history = await (await world.http(`/api/sessions/${sessionId}/history`)).json();
    expect(history).toMatchObject({ messages: [{ content: "Another." }, { role: "assistant" }] });
    expect(world.told(sessionId)).toHaveLength(2);
  });
});

describe("a session that nobody could send", () => {
  it("ends three days before it goes, is told of, and gives back what it had reserved", async () => {
    const list = [{ id: "worker", cacheRetention: "none", budget: { usdPerDay: 5 } }];
    const world = testWorld({ config: { agents: { list }, retentionDays: 35 } });
    world.api.faults.set({ on: "create", kind: "unauthorized" });
    const id = await world.accept();
    await live(world, 61);
    expect(await world.see(id)).toMatchObject({ status: "queued" });
    await live(world, 2);
    const ended = await world.see(id);
    expect(ended).toMatchObject({ status: "failed", error: { type: "retention" }, delivered: true });
    expect(ended).not.toHaveProperty("reserved");
    expect(world.told(id)).toMatchObject([{ status: "failed" }]);
  });

  it("nor hear of ends a day before it goes, while its manifest stays open for a person to look at", async () => {
    const world = testWorld({
      config: { agents: { list: [{ id: "worker", cacheRetention: "none" }] }, retentionDays: 35 },
    });
    const id = await world.accept();
    world.api.faults.set({ on: "create", kind: "lost_response", afterCommit: false, times: 1 });
    await world.batch();
    world.api.faults.set({ on: "list", kind: "unauthorized" });
    await live(world, 63);
    expect(await world.see(id)).toMatchObject({ status: "submitted" });
    await live(world, 2);
    expect(await world.see(id)).toMatchObject({ status: "failed", error: { type: "retention" }, delivered: true });
    const [open] = await world.deps.manifests.open();
    const head = await world.table.get({ pk: `MANIFEST#${open?.manifestId}`, sk: "HEAD" });
    expect(head).toMatchObject({ state: "submitting", nextExpiry: Number.MAX_SAFE_INTEGER });
    expect(head).not.toHaveProperty("expiresAt");
  });
});

describe("the table", () => {
  it("has an end for all that grows: what has none is open, or one a day, or one a lane", async () => {
    const items = (await everyKind()).table.items();
    const endless = items.filter(({ expiresAt }) => typeof expiresAt !== "number");
    expect(new Set(endless.map(kindOf))).toEqual(
      new Set([
        ...["LANE-FLUSH", "LANE-STATE", "LEASE", "USAGE"],
        ...["LEFT", "OPEN", "UNSUMMED-DAY", "UNSUMMED-MANIFEST", "UNSUMMED-MINUTE", "UNSUMMED-REBUILD"],
        "MANIFEST-HEAD",
      ]),
    );
    const heads = endless.filter((item) => kindOf(item) === "MANIFEST-HEAD");
    const open = items.filter(({ pk }) => pk === "OPEN").map((item) => `MANIFEST#${String(item["manifestId"])}`);
    expect(heads.map(({ pk }) => pk).toSorted()).toEqual(open.toSorted());
  });

  it("is left with the sums of days, and what is bounded by the configuration, once all has expired", async () => {
    const { world } = await done();
    await world.accept("Now.", { agentId: "live" });
    await world.accept("Cancel.");
    await world.ticks(20);
    const paid = booksOf(world.table.items()).paid;
    expect(paid).toBeGreaterThan(0n);
    world.pass(days(500));
    await removeExpired(world);
    expect(new Set(world.table.items().map(kindOf))).toEqual(new Set(["LEASE", "USAGE"]));
    expect(booksOf(world.table.items()).paid).toBe(paid);
  });

  it("never lets go of what is open: a head has no end until it is settled, and none again when it is adopted", async () => {
    const world = testWorld({ batchSeconds: { min: 80_000, max: 80_000 } });
    const id = await world.accept();
    await world.ticks(3);
    const { manifestId } = (await world.see(id)) as { manifestId?: string };
    const key = { pk: `MANIFEST#${manifestId}`, sk: "HEAD" };
    expect(await world.table.get(key)).not.toHaveProperty("expiresAt");
    world.pass(80_000);
    await world.ticks(2);
    expect(await world.table.get(key)).toMatchObject({
      state: "settled",
      expiresAt: (await world.see(id))["expiresAt"],
    });
  });

  it.each([50, 130, 380, 450])("keeps the books as they are when a day is summed anew after %i days", async (count) => {
    const { world } = await done();
    await world.accept("Now.", { agentId: "live" });
    await world.ticks(10);
    const before = booksOf(world.table.items());
    expect(before.paid).toBeGreaterThan(0n);
    world.pass(days(count));
    await removeExpired(world);
    await world.http("/api/usage/rebuild?from=2026-11-22&to=2026-11-22", { method: "POST" });
    await world.poll();
    await world.poll();
    expect(booksOf(world.table.items())).toEqual(before);
    expect(world.table.items().filter(({ pk }) => pk === "UNSUMMED")).toEqual([]);
  });
});
