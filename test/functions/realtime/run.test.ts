import { describe, expect, it } from "vitest";
import { clockSkewSeconds, maxFallbackLeadSeconds, realtimeCallSeconds } from "../../../functions/domain/limits.ts";
import { runMessage } from "../../../functions/realtime/run.ts";
import { latencyStore } from "../../../functions/store/latencies.ts";
import type { Fault } from "../../../infra/local/anthropic/faults.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const post = "POST /v1/messages";

async function live(task = "Now.", more: Record<string, unknown> = {}, world = testWorld()) {
  const sessionId = await world.accept(task, { agentId: "live", ...more });
  return { world, sessionId };
}
const costOf = async (world: TestWorld, sessionId: string) =>
  JSON.parse(await (await world.http(`/api/sessions/${sessionId}`)).text()).cost;

describe("the real-time worker", () => {
  it("answers at once, at the standard price, and tells the outside", async () => {
    const { world, sessionId } = await live();
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({
      status: "done",
      winner: expect.stringMatching(/^rt-/),
      delivered: true,
    });
    expect(world.told(sessionId)).toEqual([{ id: `${sessionId}.1.completed`, status: "done" }]);
    expect(await costOf(world, sessionId)).toMatchObject({ savedUsd: 0, wastedUsd: 0, missing: 0 });
    expect(world.queues.bodies("realtime")).toEqual([]);
  });

  it("writes its attempt down before it calls, and calls once", async () => {
    const { world, sessionId } = await live();
    const watched = world.crashing({ at: () => false, when: "before" });
    await watched.process.run(() => watched.workRealtime());
    const { trace } = watched.process;
    const at = (what: RegExp) => trace.findIndex((one) => what.test(one));
    const order = [
      at(/update META running/),
      at(/ATTEMPT/),
      at(/createMessage/),
      at(/insert RESULT/),
      at(/update META done/),
    ];
    expect(
      order.every((place) => place >= 0),
      trace.join("\n"),
    ).toBe(true);
    expect(order).toEqual(order.toSorted((one, other) => one - other));
    expect(world.called(post)).toBe(1);
    expect((await world.deps.turns.read(sessionId)).attempts).toHaveLength(1);
  });

  it.each([
    { waited: 0, calls: [realtimeCallSeconds], status: "done" },
    { waited: 200, calls: [realtimeCallSeconds - 200], status: "done" },
    { waited: realtimeCallSeconds, calls: [], status: "queued" },
  ])("ends its call before its lease, $waited s of which are gone already", async ({ waited, calls, status }) => {
    const { world, sessionId } = await live();
    const { turns, anthropicFor } = world.deps;
    const putAttempt: typeof turns.putAttempt = async (attempt) => {
      await turns.putAttempt(attempt);
      world.pass(waited);
    };
    const limits: number[] = [];
    const listening: typeof anthropicFor = (lane) => {
      const anthropic = anthropicFor(lane);
      const createMessage: typeof anthropic.createMessage = (call) => {
        limits.push(call.timeoutMs / 1000);
        return anthropic.createMessage(call);
      };
      return { ...anthropic, createMessage };
    };
    const [received] = await world.queues.receive("realtime");
    await world.runMessageWith(received!.body, { turns: { ...turns, putAttempt }, anthropicFor: listening });
    expect(limits).toEqual(calls);
    expect(await world.see(sessionId)).toMatchObject({ status });
  });

  it.each([
    ["a refusal", "[[stand-in: refusal]]", { status: "failed", stopReason: "refusal" }],
    ["an answer that was cut", "[[stand-in: max_tokens]]", { status: "done", truncated: true }],
    ["a wish for a tool", "[[stand-in: tool_use]]", { status: "failed", stopReason: "tool_use" }],
    [
      "a request that is wrong",
      "[[stand-in: errored invalid_request_error]]",
      { status: "failed", error: { type: "invalid_request_error" } },
    ],
    [
      "a model that is not there",
      "[[stand-in: errored not_found_error]]",
      { status: "failed", error: { type: "not_found_error" } },
    ],
  ])("ends the turn as the answer says: %s", async (_name, task, expected) => {
    const { world, sessionId } = await live(task);
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({ ...expected, attempt: 1, delivered: true });
    expect(world.called(post)).toBe(1);
  });

  it("goes on with a task that paused, in its own queue", async () => {
    const { world, sessionId } = await live("[[stand-in: pause_turn 1]] Search.");
    await world.ticks(6);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn: 2 });
    expect(world.called(post)).toBe(2);
  });
});

describe("a call that was refused for no fault of the work", () => {
  const refusals: [string, Omit<Fault, "on">, number][] = [
    ["429", { kind: "rate_limited" }, 0],
    ["429 with a time to wait", { kind: "rate_limited", retryAfterSeconds: 240 }, 240],
    ["529", { kind: "overloaded" }, 0],
    ["401", { kind: "unauthorized" }, 300],
    ["402", { kind: "billing" }, 300],
    ["400 about credit", { kind: "credit" }, 300],
  ];

  it.each(refusals)("waits and is made again, without burning an attempt: %s", async (_name, fault, seconds) => {
    const { world, sessionId } = await live();
    world.api.faults.set({ on: "message", times: 1, ...fault });
    await world.workRealtime();
    const session = await world.see(sessionId);
    expect(session).toMatchObject({ status: "queued", attempt: 1, sendNo: 2 });
    expect(Number(session["notBefore"])).toBeGreaterThanOrEqual(world.clock.now() + seconds * 1000);
    expect(Number(session["notBefore"])).toBeLessThanOrEqual(world.clock.now() + (seconds + 30) * 1000);
    expect(world.queues.bodies("realtime")).toEqual([]);
    await world.ticks(8);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
    expect(await costOf(world, sessionId)).toMatchObject({ missing: 0 });
  });

  it("for hours on end loses nobody and fills no dead-letter queue", async () => {
    const { world, sessionId } = await live();
    world.api.faults.set({ on: "message", kind: "rate_limited", times: 10 });
    await world.ticks(400);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
    expect(world.queues.deadLetters("realtime")).toEqual([]);
  });
});

describe("a call whose outcome nobody knows", () => {
  const lost: [string, Omit<Fault, "on">][] = [
    ["the answer was lost", { kind: "lost_response" }],
    ["the call was lost", { kind: "lost_response", afterCommit: false }],
    ["500", { kind: "server_error" }],
    ["500 after the work was done", { kind: "server_error", afterCommit: true }],
    ["no answer in time", { kind: "hang", afterCommit: true }],
  ];

  it.each(lost)("is made once more, and what may have been paid is shown as missing: %s", async (_name, fault) => {
    const { world, sessionId } = await live();
    world.api.faults.set({ on: "message", times: 1, ...fault });
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({ status: "queued", attempt: 1 });
    await world.ticks(4);
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
    expect(world.called(post)).toBe(2);
    const { missing, missingUpToUsd, totalUsd } = await costOf(world, sessionId);
    expect(missing).toBe(1);
    // The one that is known is the same call: what the other may have cost at most is more than that.
    expect(missingUpToUsd).toBeGreaterThan(totalUsd);
  });

  it.each(lost)("twice is given up, and never made a third time: %s", async (_name, fault) => {
    const { world, sessionId } = await live();
    world.api.faults.set({ on: "message", ...fault });
    await world.ticks(10);
    expect(await world.see(sessionId)).toMatchObject({
      status: "failed",
      error: { type: "unknown_outcome" },
      delivered: true,
    });
    expect(world.called(post)).toBe(2);
    expect(await costOf(world, sessionId)).toMatchObject({ missing: 2 });
  });

  it("is one whose answer is not a message, too: it was paid for", async () => {
    const { world, sessionId } = await live("[[stand-in: malformed]]");
    await world.ticks(10);
    expect(await world.see(sessionId)).toMatchObject({ status: "failed", delivered: true });
    expect(world.called(post)).toBeLessThanOrEqual(2);
    expect((await costOf(world, sessionId)).missing).toBe(world.called(post));
  });
});

describe("a worker that crashes", () => {
  it("in its call leaves an attempt that is over when its lease is, and the call is made once more", async () => {
    const { world, sessionId } = await live();
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createMessage"), when: "after" });
    await half.process.run(() => half.workRealtime());
    world.pass(659);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "running" });
    world.pass(1);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "queued", attempt: 1 });
    await world.ticks(3);
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
    expect(world.called(post)).toBe(2);
    expect(await costOf(world, sessionId)).toMatchObject({ missing: 1 });
  });

  it("once the answer is written down loses nothing and pays nothing twice: rescue makes the move", async () => {
    const { world, sessionId } = await live();
    const half = world.crashing({ at: (what) => what.startsWith("table.insert RESULT"), when: "after" });
    await half.process.run(() => half.workRealtime());
    await world.ticks(14);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
    expect(world.called(post)).toBe(1);
  });

  it("at any step, before or after it took hold, ends its turn once, and every paid call is booked or shown as missing", async () => {
    const dry = await live();
    const steps = dry.world.crashing({ at: () => false, when: "before" });
    await steps.process.run(() => steps.workRealtime());
    expect(steps.process.trace.length).toBeGreaterThan(7);
    for (let no = 1; no <= steps.process.trace.length; no += 1) {
      for (const when of ["before", "after"] as const) {
        const { world, sessionId } = await live();
        const half = world.crashing({ at: (_what, at) => at === no, when });
        expect(await half.process.run(() => half.workRealtime())).toBe(true);
        await world.ticks(30);
        const where = `${when} ${no} ${steps.process.trace[no - 1]}`;
        expect(await world.see(sessionId), where).toMatchObject({ status: "done", attempt: 1, delivered: true });
        expect(new Set(world.told(sessionId).map(({ id }) => id)).size, where).toBe(1);
        const { results } = await world.deps.turns.read(sessionId);
        const { missing } = await costOf(world, sessionId);
        expect(results.length + missing, where).toBeGreaterThanOrEqual(world.api.model.bill().length);
        expect(world.called(post), where).toBeLessThanOrEqual(2);
        expect(world.queues.bodies("realtime"), where).toEqual([]);
      }
    }
  });
});

describe("a message of the real-time queue", () => {
  it.each(["not JSON", "{}", "[]", '{"sessionId":"x","turn":1,"attempt":1,"sendNo":1}'])(
    "that is none of ours is dropped: %s",
    async (body) => {
      const world = testWorld();
      await world.runMessage(body);
      expect(world.codes()).toEqual(["message_rejected"]);
    },
  );

  it("of nobody, of another turn or of a batch session calls nobody", async () => {
    const { world, sessionId } = await live();
    const batched = await world.accept("Later.");
    const message = { sessionId, turn: 1, attempt: 1, sendNo: 1 };
    for (const other of [
      { turn: 2 },
      { attempt: 2 },
      { sendNo: 2 },
      { sessionId: batched },
      { sessionId: "01KAJ8Z3M4N5P6Q7R8S9T0V1W2" },
    ])
      await world.runMessage(JSON.stringify({ ...message, ...other }));
    expect(world.called(post)).toBe(0);
    expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
  });

  it("that comes twice, at once or later, calls once", async () => {
    const { world, sessionId } = await live();
    const body = JSON.stringify({ sessionId, turn: 1, attempt: 1, sendNo: 1 });
    await Promise.all([world.runMessage(body), world.runMessage(body)]);
    await world.runMessage(body);
    expect(world.called(post)).toBe(1);
    expect(world.told(sessionId)).toHaveLength(1);
  });

  it("of a session whose request is gone fails it alone, with a reason", async () => {
    const { world, sessionId } = await live();
    await world.table.transact([{ remove: { key: { pk: `SESSION#${sessionId}`, sk: "REQUEST#0001" }, when: [] } }]);
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({
      status: "failed",
      error: { type: "unreadable" },
      delivered: true,
    });
    expect(world.called(post)).toBe(0);
  });
});

describe("a fallback", () => {
  const hurried = async (task = "Hurry.") => {
    const world = testWorld({ batchSeconds: { min: 3_600, max: 3_600 } });
    const sessionId = await world.accept(task, { timeoutSeconds: 1_800, onDeadline: "fallback" });
    await world.batch();
    const body = JSON.stringify({ sessionId, turn: 1, attempt: 1, sendNo: 1 });
    return { world, sessionId, body };
  };

  it("is made whenever the poller asks for it, and never before the earliest time at which it may", async () => {
    const { world, body } = await hurried();
    await world.runMessage(body);
    world.pass(1_800 - maxFallbackLeadSeconds - clockSkewSeconds - 1);
    await world.runMessage(body);
    expect(world.called(post)).toBe(0);
    world.pass(1);
    await world.runMessage(body);
    expect(world.called(post)).toBe(1);
  });

  it("keeps its manifest while it runs, so that the batch's answer may still win", async () => {
    const { world, sessionId, body } = await hurried();
    world.pass(1_680);
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createMessage"), when: "before" });
    await half.process.run(() => half.runMessage(body));
    const running = await world.see(sessionId);
    expect(running).toMatchObject({ status: "running", manifestId: expect.any(String), run: expect.any(String) });
    world.pass(1_920);
    const batchFirst = await world.poll().then(() => world.see(sessionId));
    expect(batchFirst).toMatchObject({ status: "done", winner: running["manifestId"] });
    expect(world.api.model.bill()).toHaveLength(1);
  });

  it("that only has to wait is still to come, and comes before the batch", async () => {
    const { world, sessionId, body } = await hurried();
    world.pass(1_680);
    world.api.faults.set({ on: "message", kind: "rate_limited", times: 1 });
    await world.runMessage(body);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted", manifestId: expect.any(String) });
    await world.ticks(5);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
    expect(world.called(post)).toBe(2);
  });

  it("that fails goes back to its batch, never to the queue", async () => {
    const { world, sessionId, body } = await hurried();
    world.pass(1_680);
    world.api.faults.set({ on: "message", kind: "bad_request", times: 1 });
    await world.runMessage(body);
    expect(await world.see(sessionId)).toMatchObject({
      status: "submitted",
      fellBack: true,
      manifestId: expect.any(String),
    });
    await world.ticks(40);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
    expect(world.called("POST /v1/messages/batches")).toBe(1);
  });

  it("that dies after its batch ended without an answer is tried again in a batch: nobody forgets it", async () => {
    const { world, sessionId, body } = await hurried("[[stand-in: expired times 1]] Hurry.");
    world.pass(1_680);
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createMessage"), when: "before" });
    await half.process.run(() => half.runMessage(body));
    world.pass(600);
    expect(await world.see(sessionId)).toMatchObject({ status: "running" });
    await world.ticks(100);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 2, delivered: true });
    expect(world.api.model.bill()).toHaveLength(1);
  });

  it("and a late answer of its batch are booked both, and the first one stays", async () => {
    const { world, sessionId, body } = await hurried();
    world.pass(1_680);
    await world.runMessage(body);
    const { winner } = await world.see(sessionId);
    await world.ticks(40);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", winner });
    expect((await world.deps.turns.read(sessionId)).results).toHaveLength(2);
    expect((await costOf(world, sessionId)).wastedUsd).toBeGreaterThan(0);
    expect(world.told(sessionId)).toHaveLength(1);
  });
});

describe("the time a call took", () => {
  const slots = (world: TestWorld) => world.table.items().filter(({ pk }) => pk === "LATENCY#realtime");

  it("is kept once it was answered, with what the session had waited for it", async () => {
    const world = testWorld();
    await world.accept("Now.", { routing: "realtime" });
    world.pass(7);
    await world.workRealtime();
    expect(slots(world)).toMatchObject([{ at: world.clock.now(), waitSeconds: 7, slowSeconds: 0 }]);
  });

  it("is not kept where nothing was answered", async () => {
    const world = testWorld();
    world.api.faults.set({ on: "message", kind: "rate_limited", times: 1 });
    await world.accept("Now.", { routing: "realtime" });
    await world.workRealtime();
    expect(slots(world)).toEqual([]);
  });

  it("costs no answer where it cannot be written down", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Now.", { routing: "realtime" });
    const table = { ...world.table, put: () => Promise.reject(new Error("the table is away")) };
    const latencies = latencyStore(table, world.clock, 60);
    const [received] = await world.queues.receive("realtime");
    await runMessage({ body: received!.body, receives: 1 }, { ...world.deps, latencies });
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
  });
});
