import { describe, expect, it } from "vitest";
import { batchesOf, createBodies, memberCounts, requestsOf } from "../../support/batches.ts";
import { testWorld } from "../../support/world.ts";

const create = "POST /v1/messages/batches";
const config = (lane: object = {}, agents: object[] = [{ id: "worker", cacheRetention: "none" }]) => ({
  agents: { list: agents },
  lanes: [{ id: "default", ...lane }],
});

describe("the batcher", () => {
  it("does nothing where nothing waits", async () => {
    const world = testWorld();
    await world.batch();
    expect(world.api.calls).toEqual([]);
    expect(world.codes()).toEqual([]);
  });

  it("puts what waits into one batch, and names its manifest in every request", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.")];
    await world.batch();
    expect(world.called(create)).toBe(1);
    const { manifestId } = await world.see(ids[0]!);
    expect(requestsOf(world)).toEqual(
      ids.map((id) => expect.objectContaining({ custom_id: `${id}_1_${String(manifestId)}` })),
    );
    for (const id of ids)
      expect(await world.see(id)).toMatchObject({ status: "submitted", manifestId, submittedAt: world.clock.now() });
    expect(await world.deps.manifests.get(String(manifestId))).toMatchObject({
      state: "submitted",
      count: 2,
      batchId: expect.stringMatching(/^msgbatch_/),
      workspaceId: expect.any(String),
    });
    expect(world.queues.bodies("default")).toEqual([]);
  });

  it("writes manifest, pages, claims and the order to send before the call, and the batch after it", async () => {
    const world = testWorld();
    await world.accept();
    const watched = world.crashing({ at: () => false, when: "before" });
    await watched.process.run(() => watched.batch());
    const { trace } = watched.process;
    const at = (what: string) => trace.findIndex((one) => one.startsWith(what));
    const order = [
      at("table.transact HEAD preparing"),
      trace.findIndex((one) => /^table\.\w+ PAGE/.test(one)),
      at("table.update META submitted"),
      at("table.update HEAD submitting"),
      at("queues.remove"),
      at("anthropic.createBatch"),
      at("table.transact OWNER"),
    ];
    expect(
      order.every((place) => place >= 0),
      `${order.join()}\n${trace.join("\n")}`,
    ).toBe(true);
    expect(order).toEqual(order.toSorted((one, other) => one - other));
  });

  it("knows a batch's members before it exists, and its count exactly", async () => {
    const world = testWorld();
    for (let index = 0; index < 5; index += 1) await world.accept(`Task ${index}`);
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createBatch"), when: "before" });
    await half.process.run(() => half.batch());
    expect(await memberCounts(world)).toEqual([{ state: "submitting", count: 5, members: 5 }]);
    expect(world.called(create)).toBe(0);
  });

  it("sends real-time work to nobody", async () => {
    const world = testWorld();
    await world.accept("Now.", { agentId: "live" });
    await world.batch();
    expect(world.called(create)).toBe(0);
  });
});

describe("the groups of a drain", () => {
  it("keep what has other beta headers apart, since headers are a batch's", async () => {
    const agents = [
      { id: "plain", cacheRetention: "none" },
      { id: "long", cacheRetention: "none", betas: ["output-300k-2026-03-24"] },
    ];
    const world = testWorld({ config: config({}, agents) });
    for (const agentId of ["plain", "long", "plain", "long", "long"]) await world.accept("Task.", { agentId });
    await world.batch();
    const headers = world.api.calls
      .filter(({ method }) => method === "POST")
      .map((call) => call.headers["anthropic-beta"] ?? "none");
    expect(headers.toSorted()).toEqual(["none", "output-300k-2026-03-24"]);
    expect(
      createBodies(world)
        .map(({ requests }) => requests.length)
        .toSorted((one, other) => one - other),
    ).toEqual([2, 3]);
  });

  it("stay within the requests and the bytes of their lane", async () => {
    const world = testWorld({ config: config({ maxBatchRequests: 4 }) });
    for (let index = 0; index < 10; index += 1) await world.accept(`Task ${index}`);
    await world.batch();
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([4, 4, 2]);
    const small = testWorld({ config: config({ maxBatchBytes: 50_000 }) });
    for (let index = 0; index < 5; index += 1) await small.accept("x".repeat(20_000));
    await small.batch();
    expect(createBodies(small).map(({ requests }) => requests.length)).toEqual([2, 2, 1]);
    for (const { bytes } of createBodies(small)) expect(bytes).toBeLessThanOrEqual(50_000);
  });

  it("give a request larger than the limit a batch of its own", async () => {
    const world = testWorld({ config: config({ maxBatchBytes: 10_000 }) });
    await world.accept("x".repeat(20_000));
    await world.accept("Small.");
    await world.batch();
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it("keep sessions of one agent together, for the sake of their cache", async () => {
    const agents = ["a", "b", "c"].map((id) => ({ id, system: `I am ${id}.`, cacheRetention: "none" }));
    const world = testWorld({ config: config({}, agents) });
    for (const agentId of ["a", "b", "c", "a", "b", "c"]) await world.accept("Task.", { agentId });
    await world.batch();
    const systems = requestsOf(world).map(({ params }) => params["system"]);
    expect(systems).toEqual(["I am a.", "I am a.", "I am b.", "I am b.", "I am c.", "I am c."]);
  });

  it("leave whoever was received three times alone, after the others", async () => {
    const world = testWorld();
    const suspect = await world.accept("Poison?");
    for (let receives = 1; receives <= 2; receives += 1) {
      await world.queues.receive("default");
      world.pass(1_000);
    }
    const sound = [await world.accept("One."), await world.accept("Two.")];
    await world.batch();
    const groups = createBodies(world).map(({ requests }) => requests.map(({ custom_id }) => custom_id.slice(0, 26)));
    expect(groups).toEqual([sound, [suspect]]);
  });
});

describe("a lane's quota", () => {
  it("bounds what is in flight, over all of its open manifests", async () => {
    const world = testWorld({ config: config({ maxInFlightRequests: 5, maxBatchRequests: 3 }) });
    for (let index = 0; index < 12; index += 1) await world.accept(`Task ${index}`);
    await world.batch();
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([3, 2]);
    await world.batch();
    expect(world.called(create)).toBe(2);
    expect(world.queues.bodies("default")).toHaveLength(7);
  });

  it("leaves what is over it in the queue, unreceived: waiting burns no receives", async () => {
    const world = testWorld({ config: config({ maxInFlightRequests: 1 }) });
    const ids = [await world.accept("One."), await world.accept("Two.")];
    for (let tick = 0; tick < 9; tick += 1) {
      await world.batch();
      world.pass(1_000);
    }
    const statuses = await Promise.all(ids.map(async (id) => String((await world.see(id))["status"])));
    expect(statuses.toSorted()).toEqual(["queued", "submitted"]);
    expect(world.queues.deadLetters("default")).toEqual([]);
  });

  it("is free again once batches are settled, and all ends well", async () => {
    const world = testWorld({ config: config({ maxInFlightRequests: 2 }) });
    const ids = [];
    for (let index = 0; index < 7; index += 1) ids.push(await world.accept(`Task ${index}`));
    await world.ticks(60);
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
    expect(Math.max(...createBodies(world).map(({ requests }) => requests.length))).toBe(2);
  });

  it("of one lane is not another's", async () => {
    const lanes = [
      { id: "default", maxInFlightRequests: 1 },
      { id: "bulk", flushEverySeconds: 1 },
    ];
    const world = testWorld({ config: { agents: { list: [{ id: "worker" }] }, lanes } });
    for (let index = 0; index < 3; index += 1) {
      await world.accept("Default.");
      await world.accept("Bulk.", { lane: "bulk" });
    }
    await world.batch();
    expect(
      createBodies(world)
        .map(({ requests }) => requests.length)
        .toSorted((one, other) => one - other),
    ).toEqual([1, 3]);
  });
});

describe("a lane that is closed", () => {
  it("sends nothing, receives nothing, and sends all when it opens", async () => {
    const world = testWorld({ config: config({ hours: "03:30-04:00" }) });
    world.pass(40 * 60);
    await world.accept("In time.");
    world.pass(30 * 60);
    await world.batch();
    expect([world.called(create), world.queues.bodies("default").length]).toEqual([0, 1]);
    world.pass(24 * 3_600 - 30 * 60);
    await world.batch();
    expect(world.called(create)).toBe(1);
  });

  it("collects for as long as it says, and then sends one batch", async () => {
    const world = testWorld({ config: config({ flushEverySeconds: 600 }) });
    await world.accept("First.");
    await world.ticks(1);
    for (let minute = 0; minute < 9; minute += 1) {
      await world.accept(`Task ${minute}`);
      await world.ticks(1);
    }
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([1]);
    await world.ticks(2);
    expect(createBodies(world).map(({ requests }) => requests.length)).toEqual([1, 9]);
  });
});

describe("messages", () => {
  it("that are none of ours are dropped, and said to be", async () => {
    const world = testWorld();
    for (const body of ["not JSON", "{}", "null", '{"sessionId":"../../etc","turn":1,"attempt":1,"sendNo":1}'])
      world.queues.put("default", body);
    await world.batch();
    expect(world.queues.bodies("default")).toEqual([]);
    expect(world.codes()).toEqual(Array.from({ length: 4 }, () => "message_rejected"));
    expect(world.called(create)).toBe(0);
  });

  it("of a session that nobody knows are dropped", async () => {
    const world = testWorld();
    await world.queues.send("default", [{ sessionId: "01KAJ8Z3M4N5P6Q7R8S9T0V1W2", turn: 1, attempt: 1, sendNo: 1 }]);
    await world.batch();
    expect([world.queues.bodies("default"), world.called(create)]).toEqual([[], 0]);
  });

  it("that come twice send a session once", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.queues.send("default", [{ sessionId, turn: 1, attempt: 1, sendNo: 1 }]);
    await world.batch();
    expect(requestsOf(world)).toHaveLength(1);
    expect(world.queues.bodies("default")).toEqual([]);
  });

  it("of several sendings, because rescue sent copies while the first one waited, are one request", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    world.pass(120);
    await world.poll();
    expect(world.queues.bodies("default")).toHaveLength(2);
    await world.batch();
    expect(requestsOf(world)).toHaveLength(1);
    expect(world.queues.bodies("default")).toEqual([]);
    await world.ticks(14);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
  });

  it("of several sendings are one request, too, where they are received one after the other", async () => {
    const world = testWorld({ config: config({ maxBatchRequests: 3 }) });
    const ids = [await world.accept("One."), await world.accept("Two.")];
    const receive: typeof world.queues.receive = (queue) => world.queues.receive(queue, 1);
    for (let copies = 0; copies < 2; copies += 1)
      await world.queues.send("default", [{ sessionId: ids[0]!, turn: 1, attempt: 1, sendNo: 1 }]);
    await world.batchWith({ queues: { ...world.queues, receive } });
    expect(
      requestsOf(world)
        .map(({ custom_id }) => custom_id.slice(0, 26))
        .toSorted(),
    ).toEqual(ids.toSorted());
    expect(world.queues.bodies("default")).toEqual([]);
  });

  it.each([
    ["another turn", { turn: 2 }],
    ["another attempt", { attempt: 2 }],
    ["a sending that is still to come", { sendNo: 2 }],
  ])("of %s than the session's are dropped", async (_name, more) => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.queues.receive("default");
    await world.queues.send("default", [{ sessionId, turn: 1, attempt: 1, sendNo: 1, ...more }]);
    await world.batch();
    expect(world.called(create)).toBe(0);
    expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
  });

  it("that come after their session was sent are dropped", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.batch();
    await world.queues.send("default", [{ sessionId, turn: 1, attempt: 1, sendNo: 1 }]);
    await world.batch();
    expect([world.queues.bodies("default"), world.called(create)]).toEqual([[], 1]);
  });

  it("of a session whose request cannot be read fail it alone, with a reason, and the outside is told", async () => {
    const world = testWorld();
    const [broken, sound] = [await world.accept("One."), await world.accept("Two.")];
    await world.table.transact([{ remove: { key: { pk: `SESSION#${broken}`, sk: "REQUEST#0001" }, when: [] } }]);
    await world.ticks(16);
    expect(await world.see(broken)).toMatchObject({ status: "failed", error: { type: "unreadable" }, delivered: true });
    expect(await world.see(sound)).toMatchObject({ status: "done" });
    expect(requestsOf(world)).toHaveLength(1);
  });
});

describe("two batchers at once", () => {
  it.each([true, false])("send each session once; leases: %s", async (withLeases) => {
    const world = testWorld({ withLeases });
    const ids = [];
    for (let index = 0; index < 8; index += 1) ids.push(await world.accept(`Task ${index}`));
    for (const sessionId of ids) await world.queues.send("default", [{ sessionId, turn: 1, attempt: 1, sendNo: 1 }]);
    await Promise.all([world.batch(), world.batch(), world.batch()]);
    const sent = requestsOf(world).map(({ custom_id }) => custom_id.slice(0, 26));
    expect(sent.toSorted()).toEqual(ids.toSorted());
    await world.ticks(16);
    for (const id of ids) expect(await world.see(id)).toMatchObject({ status: "done", attempt: 1 });
    expect(world.api.model.bill()).toHaveLength(8);
    expect(batchesOf(world).every(({ state }) => state === "settled" || state === "closed")).toBe(true);
  });
});

describe("a function that is about to end", () => {
  it("begins no call that it could not write down", async () => {
    const world = testWorld({ millisecondsLeft: () => 359_999 });
    const sessionId = await world.accept();
    await world.batch();
    expect(world.called(create)).toBe(0);
    expect(world.codes()).toContain("time_short");
    expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
  });
});
