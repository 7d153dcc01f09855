import { describe, expect, it } from "vitest";
import { batchesOf, createBodies } from "../../support/batches.ts";
import { memoryWorkspaceId } from "../../support/memory-anthropic.ts";
import { apiKeySecret } from "../../support/ports.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const caller = { workspaceId: memoryWorkspaceId, version: "2023-06-01", betas: [] };
const all = (world: TestWorld, ids: readonly string[]) => Promise.all(ids.map((id) => world.see(id)));
const states = (world: TestWorld) => batchesOf(world).map(({ state }) => state);
const results = (world: TestWorld) => world.api.calls.filter(({ url }) => url.endsWith("/results")).length;

/** A manifest whose outcome nobody knows: its batch exists, or it does not. */
async function unknown(exists: boolean, tasks = 2, world = testWorld()) {
  const ids: string[] = [];
  for (let index = 0; index < tasks; index += 1) ids.push(await world.accept(`Task ${index}`));
  world.api.faults.set({ on: "create", kind: "lost_response", afterCommit: exists, times: 1 });
  await world.batch();
  return { world, ids };
}

/** A batch of the same workspace that is none of ours. */
function somebodyElses(world: TestWorld, count: number, prefix = "theirs") {
  const requests = Array.from({ length: count }, (_none, index) => ({
    custom_id: `${prefix}-${index}`,
    params: { model: "claude-haiku-5-5", max_tokens: 5, messages: [{ role: "user", content: "Theirs." }] },
  }));
  return String(world.api.model.createBatch(JSON.stringify({ requests }), caller)["id"]);
}

describe("a batch that exists though its answer was lost", () => {
  it("is adopted as soon as it has ended, whatever the clock says, and nobody is sent again", async () => {
    const { world, ids } = await unknown(true);
    world.pass(600);
    await world.poll();
    expect(batchesOf(world)).toMatchObject([
      { state: "settled", batchId: expect.any(String), workspaceId: memoryWorkspaceId },
    ]);
    for (const session of await all(world, ids))
      expect(session).toMatchObject({ status: "done", attempt: 1, delivered: true });
    expect(world.codes()).toContain("manifest_adopted");
    expect(createBodies(world)).toHaveLength(1);
  });

  it("is waited for while it runs, however long: a candidate stops the release and claims nothing", async () => {
    const world = testWorld({ batchSeconds: { min: 20 * 3_600, max: 20 * 3_600 } });
    const { ids } = await unknown(true, 2, world);
    for (let hour = 0; hour < 19; hour += 1) {
      await world.poll();
      world.pass(3_600);
    }
    expect(batchesOf(world)).toMatchObject([{ state: "submitting" }]);
    expect(batchesOf(world)[0]).not.toHaveProperty("batchId");
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "submitted" });
    world.pass(3_600);
    await world.poll();
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
  });

  it("is still recognised where a crash came between the call and its record", async () => {
    const world = testWorld();
    const ids = [await world.accept("One.")];
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createBatch"), when: "after" });
    await half.process.run(() => half.batch());
    world.pass(600);
    await world.poll();
    expect(await all(world, ids)).toMatchObject([{ status: "done", attempt: 1 }]);
    expect(world.api.model.bill()).toHaveLength(1);
  });

  /** Anthropic's list lacks the batch for so long that its sessions are let go. */
  const releasedTooSoon = async () => {
    const { world, ids } = await unknown(true, 1);
    world.api.faults.set({ on: "list", kind: "list_missing" });
    for (let minute = 0; minute < 14; minute += 1) {
      await world.poll();
      world.pass(60);
    }
    expect(states(world)).toEqual(["closed"]);
    world.api.faults.clear();
    return { world, sessionId: ids[0]! };
  };
  const costOf = async (world: TestWorld, sessionId: string) => {
    const response = await world.http(`/api/sessions/${sessionId}`);
    return JSON.parse(await response.text()).cost;
  };

  it("that surfaces after the release settles whoever is unsettled, and nothing is paid twice", async () => {
    const { world, sessionId } = await releasedTooSoon();
    expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
    await world.ticks(20);
    expect(world.api.model.bill()).toHaveLength(1);
    expect(await costOf(world, sessionId)).toMatchObject({ wastedUsd: 0, missing: 0 });
    expect(states(world)).toEqual(["settled"]);
  });

  it("that surfaces after its session was sent again wins once, and the other answer is booked as waste", async () => {
    const { world, sessionId } = await releasedTooSoon();
    // Somebody still waits for the second batch, so that it is not canceled.
    await world.accept("Company.");
    await world.batch();
    expect(createBodies(world)).toHaveLength(2);
    await world.ticks(20);
    const { winner, status } = await world.see(sessionId);
    expect([winner, status]).toEqual([batchesOf(world)[0]?.["manifestId"], "done"]);
    expect(world.api.model.bill()).toHaveLength(3);
    expect((await world.deps.turns.read(sessionId)).results.map(({ billed }) => billed)).toEqual([true, true]);
    const cost = await costOf(world, sessionId);
    expect(cost.missing).toBe(0);
    expect(cost.wastedUsd).toBeCloseTo(cost.totalUsd / 2, 12);
    expect(world.told(sessionId)).toEqual([{ id: `${sessionId}.1.completed`, status: "done" }]);
    expect(states(world)).toEqual(["settled", "settled"]);
  });
});

describe("a batch that never came to be", () => {
  it("lets its sessions go after the grace and two lists without it, and burns no attempt", async () => {
    const { world, ids } = await unknown(false);
    const releasedAfter: number[] = [];
    for (let minute = 0; minute < 14; minute += 1) {
      await world.poll();
      if (states(world)[0] !== "submitting") releasedAfter.push(minute);
      world.pass(60);
    }
    // Ten minutes of grace, a list that shows nothing, and another a minute later.
    expect(releasedAfter[0]).toBe(12);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "queued", attempt: 1 });
    await world.ticks(20);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(world.api.model.bill()).toHaveLength(2);
  });

  it("is not believed on one list, nor on lists that cannot be read to the end", async () => {
    const { world } = await unknown(false);
    world.pass(660);
    await world.poll();
    expect(states(world)).toEqual(["submitting"]);
    world.api.faults.set({ on: "list", kind: "server_error" });
    for (let minute = 0; minute < 30; minute += 1) {
      world.pass(60);
      await world.poll();
    }
    expect(states(world)).toEqual(["submitting"]);
  });

  it("is not believed again from the start where a candidate showed itself in between", async () => {
    const { world } = await unknown(false, 3);
    world.pass(660);
    await world.poll();
    expect(batchesOf(world)[0]).toHaveProperty("missingSince");
    // Somebody else's of the same count, made within the time of the call's bound and a minute's error of clocks.
    const { world: other } = await unknown(false, 3);
    somebodyElses(other, 3);
    other.pass(300);
    await other.poll();
    expect(states(other)).toEqual(["submitting"]);
  });

  it("waits for a candidate of somebody else's to end, and then is let go", async () => {
    const world = testWorld({ batchSeconds: { min: 7_200, max: 7_200 } });
    const { ids } = await unknown(false, 3, world);
    const theirs = somebodyElses(world, 3);
    for (let minute = 0; minute < 119; minute += 1) {
      await world.poll();
      world.pass(60);
    }
    expect(states(world)).toEqual(["submitting"]);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "submitted" });
    for (let minute = 0; minute < 5; minute += 1) {
      await world.poll();
      world.pass(60);
    }
    expect(states(world)).toEqual(["closed"]);
    expect(await world.deps.manifests.owned([theirs])).toEqual(new Set([theirs]));
  });
});

describe("several that nobody knows the outcome of", () => {
  it("are not confused, though their counts are equal: a line of the results makes the owner", async () => {
    const world = testWorld({
      config: { agents: { list: [{ id: "worker" }] }, lanes: [{ id: "default", maxBatchRequests: 2 }] },
    });
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await world.accept(`Task ${index}`));
    world.api.faults.set({ on: "create", kind: "lost_response", times: 2 });
    await world.batch();
    expect(states(world)).toEqual(["submitting", "submitting"]);
    world.pass(600);
    await world.poll();
    for (const [index, session] of (await all(world, ids)).entries()) {
      expect(session).toMatchObject({ status: "done", attempt: 1 });
      const { results: booked } = await world.deps.turns.read(ids[index]!);
      expect(booked.map(({ source }) => source)).toEqual([session["winner"]]);
    }
    expect(new Set(batchesOf(world).map(({ batchId }) => batchId)).size).toBe(2);
  });

  it("of which one came to be, hold each other up only until it has ended", async () => {
    const world = testWorld({
      config: { agents: { list: [{ id: "worker" }] }, lanes: [{ id: "default", maxBatchRequests: 2 }] },
    });
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await world.accept(`Task ${index}`));
    world.api.faults.set({ on: "create", kind: "lost_response", times: 1 });
    world.api.faults.set({ on: "create", kind: "lost_response", afterCommit: false, times: 1 });
    await world.batch();
    await world.ticks(45);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(world.api.model.bill()).toHaveLength(4);
  });
});

describe("the batches of others in the workspace", () => {
  it("are asked once whose they are, and then left alone", async () => {
    const world = testWorld();
    const theirs = [somebodyElses(world, 2), somebodyElses(world, 5, "x".repeat(64).slice(2))];
    world.pass(600);
    await world.poll();
    expect(results(world)).toBe(2);
    expect(world.codes().filter((code) => code === "batch_foreign")).toHaveLength(2);
    await world.poll();
    await world.poll();
    expect(results(world)).toBe(2);
    expect(await world.deps.manifests.owned(theirs)).toEqual(new Set(theirs));
    expect(world.events.taken).toEqual([]);
  });

  it("whose ids look like ours, but name no manifest of ours, are theirs too", async () => {
    const world = testWorld();
    const requests = [
      {
        custom_id: "01KAJ8Z3M4N5P6Q7R8S9T0V1W2_1_01KAJ900000000000000000000",
        params: {
          model: "claude-haiku-5-5",
          max_tokens: 5,
          messages: [{ role: "user", content: "Another deployment's." }],
        },
      },
    ];
    world.api.model.createBatch(JSON.stringify({ requests }), caller);
    world.pass(600);
    await world.poll();
    expect(world.codes()).toContain("batch_foreign");
    expect(world.table.items().filter(({ pk }) => pk.startsWith("SESSION#"))).toEqual([]);
  });

  it("are read a few a tick, so that many of them hold nobody up", async () => {
    const world = testWorld();
    for (let index = 0; index < 120; index += 1) somebodyElses(world, 1, `theirs-${index}`);
    world.pass(600);
    const reads = [];
    for (let tick = 0; tick < 4; tick += 1) {
      await world.poll();
      reads.push(results(world));
    }
    expect(reads).toEqual([50, 100, 120, 120]);
  });

  it("are not asked again where the answer could not be read", async () => {
    const world = testWorld();
    somebodyElses(world, 2);
    world.pass(600);
    world.api.faults.set({ on: "results", kind: "not_found", times: 1 });
    await world.poll();
    expect(world.codes()).not.toContain("batch_foreign");
    await world.poll();
    expect(world.codes()).toContain("batch_foreign");
  });
});

describe("a list from another workspace than the manifest's", () => {
  it("proves nothing: the manifest waits, and says so", async () => {
    const keys = new Map([
      ["sk-test", memoryWorkspaceId],
      ["sk-other", "wrkspc_other"],
    ]);
    const secrets: Record<string, string> = {};
    const file = { agents: { list: [{ id: "worker" }] }, lanes: [{ id: "default", workspaceId: memoryWorkspaceId }] };
    const world = testWorld({ keys, secrets, config: file });
    await unknown(true, 1, world);
    // The lane's credential was changed for one of another workspace, which the header no longer names.
    const rooms = world.configured({ agents: { list: [{ id: "worker" }] }, lanes: [{ id: "default" }] });
    const elsewhere = { ...world.anthropicFor({}) };
    elsewhere.listBatches = async () => ({ batches: [], workspaceId: "wrkspc_other", complete: true });
    for (let minute = 0; minute < 20; minute += 1) {
      await rooms.poll({ anthropicFor: () => elsewhere });
      world.pass(60);
    }
    expect(states(world)).toEqual(["submitting"]);
    expect(world.codes()).toContain("workspace_mismatch");
  });
});

describe("a list that cannot be had", () => {
  it("is told of once while it stays so, each credential by itself, and once when it is there again", async () => {
    const lanes = [{ id: "other", apiKeySecret: "other-key" }];
    const secrets = { [apiKeySecret]: "sk-test", "other-key": "sk-test" };
    const world = testWorld({ config: { agents: { list: [{ id: "worker" }] }, lanes }, secrets });
    world.api.faults.set({ on: "list", kind: "not_found" });
    await world.ticks(3);
    world.api.faults.clear();
    await world.ticks(3);
    const told = world.logs.filter(({ code }) => code.startsWith("list_"));
    expect(told.map(({ code, fields }) => [code, fields["apiKeySecret"], fields["problem"]])).toEqual([
      ["list_incomplete", undefined, "NotFoundError"],
      ["list_incomplete", "other-key", "NotFoundError"],
      ["list_complete", undefined, undefined],
      ["list_complete", "other-key", undefined],
    ]);
  });
});

describe("a manifest whose batcher died before its call", () => {
  it("is given up after five ticks, and its sessions are sent again, with no attempt burnt", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.")];
    const half = world.crashing({ at: (what) => what.startsWith("table.update HEAD submitting"), when: "before" });
    await half.process.run(() => half.batch());
    expect(await all(world, ids)).toMatchObject([{ status: "submitted" }, { status: "submitted" }]);
    world.pass(299);
    await world.poll();
    expect(states(world)).toEqual(["preparing"]);
    world.pass(1);
    await world.poll();
    expect(await all(world, ids)).toMatchObject([
      { status: "queued", attempt: 1 },
      { status: "queued", attempt: 1 },
    ]);
    await world.ticks(20);
    expect(await all(world, ids)).toMatchObject([
      { status: "done", attempt: 1 },
      { status: "done", attempt: 1 },
    ]);
    expect(world.api.model.bill()).toHaveLength(2);
  });
});
