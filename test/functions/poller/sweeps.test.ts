import { describe, expect, it } from "vitest";
import { createBodies } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const all = (world: TestWorld, ids: readonly string[]) => Promise.all(ids.map((id) => world.see(id)));
/** As if so many real-time calls had been answered that no older one is remembered. */
const callsTook = async (world: TestWorld, seconds: number) => {
  const sample = { at: world.clock.now(), typicalSeconds: seconds, slowSeconds: seconds };
  for (let call = 0; call < 640; call += 1)
    await world.deps.latencies.record("realtime", `rt-${seconds}-${call}`, sample);
};
const slowBatches = { batchSeconds: { min: 4 * 3_600, max: 4 * 3_600 } };

it("a deadline that has nothing to do gives its session back to rescue, so that somebody looks at it", async () => {
  const world = testWorld();
  const sessionId = await world.accept("Task.", { timeoutSeconds: 3_600, onDeadline: "fallback" });
  await world.queues.receive("default");
  const key = { pk: `SESSION#${sessionId}`, sk: "META" };
  const { due } = await world.see(sessionId);
  const set = { fellBack: true, due: String(due).replace("rescue", "deadline"), dueAt: world.clock.now() };
  await world.table.update({ key, set, when: [] });
  world.pass(60);
  await world.poll();
  expect((await world.see(sessionId))["due"]).toBe(due);
  await world.ticks(20);
  expect(await world.see(sessionId)).toMatchObject({ status: "done" });
});

describe("rescue", () => {
  it.each(["batch", "realtime"])(
    "looks once an hour whether a lane parked by hand for a week is open: %s",
    async (routing) => {
      const world = testWorld();
      const now = world.clock.now();
      const state = { reason: "paused", since: now, until: now + 7 * 24 * 3_600_000, seconds: 300 };
      const key = { pk: `LANE#${routing === "batch" ? "default" : "realtime"}`, sk: "STATE" };
      await world.table.put({ item: { ...key, ...state }, when: [] });
      const sessionId = await world.accept("One.", { routing });
      await world.ticks(150);
      expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
      await world.table.transact([{ remove: { key, when: [] } }]);
      await world.ticks(80);
      expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1 });
      expect(world.queues.deadLetters("default")).toEqual([]);
    },
  );

  it("sends a message again that never came, under a new number, and then ever more rarely", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.queues.receive("default");
    const sentAt: number[] = [];
    for (let minute = 1; minute <= 200; minute += 1) {
      world.pass(60);
      const before = world.codes().filter((code) => code === "session_rescued").length;
      await world.poll();
      if (world.codes().filter((code) => code === "session_rescued").length > before) sentAt.push(minute);
    }
    expect(sentAt).toEqual([2, 10, 42, 102, 162]);
    expect(await world.see(sessionId)).toMatchObject({ status: "queued", attempt: 1, sendNo: 6 });
  });

  it("sends nothing into a lane that is closed or parked, and everything when it may", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.queues.receive("default");
    const { until } = await world.deps.lanes.park("default", "credit");
    world.pass(120);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ sendNo: 1, notBefore: until });
    world.pass(180);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ sendNo: 2, notBefore: 0 });
  });

  it("sends the work of a lane that was removed to the default lane", async () => {
    const file = { agents: { list: [{ id: "worker", cacheRetention: "none" }] }, lanes: [{ id: "nightly" }] };
    const world = testWorld({ config: file });
    const sessionId = await world.accept("Write.", { lane: "nightly" });
    const rooms = world.configured({ agents: file.agents });
    world.pass(120);
    await rooms.poll();
    await rooms.batch();
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted", lane: "default" });
    expect(createBodies(world)).toHaveLength(1);
  });

  it("sees the oldest first, and of many a bounded number each tick", async () => {
    const world = testWorld();
    const ids: string[] = [];
    for (let index = 0; index < 1_300; index += 1) ids.push(await world.accept("t"));
    while ((await world.queues.receive("default")).length > 0);
    world.pass(120);
    await world.poll();
    const rescued = world.codes().filter((code) => code === "session_rescued").length;
    expect(rescued).toBe(1_000);
    await world.poll();
    expect(world.codes().filter((code) => code === "session_rescued")).toHaveLength(1_300);
  });

  it("of an item that cannot be read says so, and rescues the others", async () => {
    const world = testWorld();
    const [broken, sound] = [await world.accept("One."), await world.accept("Two.")];
    await world.table.update({ key: { pk: `SESSION#${broken}`, sk: "META" }, set: { turn: "two" }, when: [] });
    world.pass(120);
    await world.poll();
    expect(world.logs).toContainEqual({ code: "record_corrupt", fields: { sessionId: broken } });
    expect(await world.see(sound)).toMatchObject({ sendNo: 2 });
  });

  it("of which one fails goes on with the others", async () => {
    const world = testWorld();
    await world.accept("One.");
    await world.accept("Now.", { agentId: "live" });
    world.pass(120);
    const send: typeof world.queues.send = async (queue, messages) => {
      if (queue === "default") throw new Error("ServiceUnavailable");
      return world.queues.send(queue, messages);
    };
    await world.poll({ queues: { ...world.queues, send } });
    expect(world.logs).toContainEqual({ code: "tick_failed", fields: expect.objectContaining({ step: "rescue" }) });
    expect(world.queues.bodies("realtime")).toHaveLength(2);
  });

  it("believes no index that lags: nothing is sent that has moved on", async () => {
    const world = testWorld({ indexLagMs: () => 30_000 });
    const sessionId = await world.accept();
    world.pass(100);
    await world.batch();
    world.pass(20);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted", sendNo: 1 });
    expect(world.queues.bodies("default")).toEqual([]);
  });
});

describe("a deadline", () => {
  const asked = (onDeadline: string, timeoutSeconds = 1_800) => ({ onDeadline, timeoutSeconds });

  it("that fails ends the turn as a timeout, and the outside is told", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Slow.", asked("fail"));
    await world.ticks(30);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted" });
    await world.ticks(1);
    expect(await world.see(sessionId)).toMatchObject({
      status: "timeout",
      error: { type: "timeout" },
      delivered: true,
    });
    expect(world.told(sessionId)).toEqual([{ id: `${sessionId}.1.completed`, status: "timeout" }]);
  });

  it("books the answer that comes too late, and changes nothing by it", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Slow.", asked("fail"));
    // Somebody still waits for the batch, so that it is not canceled.
    await world.accept("Company.");
    await world.ticks(245);
    expect(await world.see(sessionId)).toMatchObject({ status: "timeout" });
    expect(world.told(sessionId)).toHaveLength(1);
    expect((await world.deps.turns.read(sessionId)).results).toMatchObject([{ billed: true }]);
    const { cost, usage } = JSON.parse(await (await world.http(`/api/sessions/${sessionId}`)).text());
    expect(cost.wastedUsd).toBe(cost.totalUsd);
    expect(usage.output).toBe(0);
    expect(await world.deps.manifests.open()).toEqual([]);
  });

  it("that waits changes nothing", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Slow.", asked("wait"));
    await world.ticks(245);
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
    expect(world.called("POST /v1/messages")).toBe(0);
  });

  it("lets a result win that is there already", async () => {
    const world = testWorld();
    const sessionId = await world.accept("In time.", asked("fail", 600));
    await world.batch();
    world.pass(600);
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
  });

  it("that falls back goes real-time in time, keeps its manifest, and books the batch's answer as waste", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.accept("Company.");
    await world.ticks(28);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted" });
    await world.ticks(2);
    const session = await world.see(sessionId);
    expect(session).toMatchObject({
      status: "done",
      winner: expect.stringMatching(/^rt-/),
      fellBack: true,
      manifestId: expect.any(String),
    });
    expect(Number(session["endedAt"])).toBeLessThan(Number(session["deadlineAt"]));
    await world.ticks(215);
    expect(await world.see(sessionId)).toMatchObject({ winner: session["winner"], status: "done" });
    const { cost } = JSON.parse(await (await world.http(`/api/sessions/${sessionId}`)).text());
    expect(cost.wastedUsd).toBeGreaterThan(0);
    expect(world.api.model.bill()).toHaveLength(3);
    expect(world.told(sessionId)).toHaveLength(1);
  });

  it("that falls back while it is still queued is never batched at all", async () => {
    const world = testWorld();
    await world.deps.lanes.park("default", "credit", 86_400);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.ticks(31);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", mode: "realtime" });
    expect(createBodies(world)).toEqual([]);
    expect(world.api.model.bill()).toMatchObject([{ tier: "standard" }]);
  });

  it("that falls back sends its message again, where it was lost", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.batch();
    world.pass(1_680);
    await world.poll();
    expect(await world.queues.receive("realtime")).toHaveLength(1);
    world.pass(120);
    await world.poll();
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
  });

  it("that falls back does so the earlier, the longer calls have taken of late, also where it was batched before", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.ticks(10);
    // Calls of 300 s: half as much again, and a tick for the sweep.
    await callsTook(world, 300);
    const leadSeconds = 510;
    await world.ticks((1_800 - leadSeconds) / 60 - 11);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted" });
    await world.ticks(3);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", fellBack: true });
  });

  it("that falls back does so no earlier than it must, where calls have become quick", async () => {
    const world = testWorld(slowBatches);
    await callsTook(world, 300);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.ticks(2);
    await callsTook(world, 2);
    // Three seconds and a tick, where its entry in the index says 510 s.
    await world.ticks(27);
    expect(world.codes()).not.toContain("deadline_fallback");
    const { dueAt, deadlineAt } = await world.see(sessionId);
    expect(dueAt, "moved to where it is due now").toBe(Number(deadlineAt) - 63_000);
    await world.poll();
    await world.workRealtime();
    const session = await world.see(sessionId);
    expect(session).toMatchObject({ status: "done", fellBack: true });
    expect(Number(session["endedAt"])).toBeLessThan(Number(session["deadlineAt"]));
  });

  it("is looked at when it is due now, queued or not, so that those due later do not stand before others", async () => {
    const world = testWorld();
    await world.deps.lanes.park("default", "credit", 86_400);
    await callsTook(world, 300);
    const sessionId = await world.accept("Hurry.", asked("fallback", 520));
    await callsTook(world, 2);
    world.pass(60);
    expect(Number((await world.see(sessionId))["dueAt"])).toBeLessThan(world.clock.now());
    await world.poll();
    const { dueAt, status, sendNo } = await world.see(sessionId);
    expect({ status, sendNo }).toEqual({ status: "queued", sendNo: 1 });
    expect(Number(dueAt)).toBeGreaterThan(world.clock.now());
  });

  it("that was entered for a fallback that is over, by somebody who did not know, is not forgotten", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.batch();
    world.pass(1_680);
    await world.poll();
    const [received] = await world.queues.receive("realtime");
    const half = world.crashing({ at: (what) => what.startsWith("anthropic.createMessage"), when: "before" });
    await half.process.run(() => half.runMessage(received!.body));
    const { due, dueAt, runEndsAt } = await world.see(sessionId);
    expect({ due, dueAt }).toEqual({ due: expect.stringMatching(/^rescue#/), dueAt: runEndsAt });
    const stale = { due: String(due).replace("rescue", "deadline"), dueAt: world.clock.now() };
    await world.table.update({ key: { pk: `SESSION#${sessionId}`, sk: "META" }, set: stale, when: [] });
    await world.poll();
    expect(await world.see(sessionId)).toMatchObject({ status: "running", due, dueAt: runEndsAt });
  });

  it("that fell back in vain leaves the batch its chance", async () => {
    const world = testWorld(slowBatches);
    const sessionId = await world.accept("Hurry.", asked("fallback"));
    await world.batch();
    world.api.faults.set({ on: "message", kind: "bad_request", times: 1 });
    await world.ticks(32);
    expect(await world.see(sessionId)).toMatchObject({
      status: "submitted",
      fellBack: true,
      manifestId: expect.any(String),
    });
    await world.ticks(215);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", attempt: 1, delivered: true });
    expect(world.api.model.bill()).toHaveLength(1);
  });
});

describe("a delivery", () => {
  it("that the bus refused is put again with the same id, later, until it is taken; others are not held up", async () => {
    let isRefusing = true;
    const refused: string[] = [];
    const world = testWorld({
      isRefused: ({ detail }) => {
        const isMine = detail.includes(`"sessionId":"${refused[0] ?? "-"}"`);
        return isRefusing && isMine;
      },
    });
    const ids = [await world.accept("One."), await world.accept("Two.")];
    refused.push(ids[0]!);
    await world.ticks(14);
    expect(world.told(ids[0]!)).toEqual([]);
    expect(world.told(ids[1]!)).toHaveLength(1);
    expect(await all(world, ids)).toMatchObject([{ status: "done" }, { status: "done", delivered: true }]);
    expect(await world.see(ids[0]!)).not.toHaveProperty("delivered");
    expect(Math.max(...world.figures("undeliveredSeconds"))).toBeGreaterThan(0);
    isRefusing = false;
    await world.ticks(4);
    expect(world.told(ids[0]!)).toEqual([{ id: `${ids[0]}.1.completed`, status: "done" }]);
    expect(await world.see(ids[0]!)).toMatchObject({ delivered: true });
  });

  it("survives a bus that is away for hours", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    const events = { put: () => Promise.reject(new Error("InternalException")) };
    await world.batch();
    for (let minute = 0; minute < 180; minute += 1) {
      world.pass(60);
      await world.poll({ events });
    }
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
    await world.ticks(4);
    expect(world.told(sessionId)).toEqual([{ id: `${sessionId}.1.completed`, status: "done" }]);
  });

  it("carries ids, status, tokens and where to read on, and no word of the transcript", async () => {
    const world = testWorld();
    const sessionId = await world.accept("The secret plan. [[stand-in: answer The secret answer.]]", {
      label: "nightly",
    });
    await world.ticks(14);
    const [event] = world.events.taken;
    expect(event?.detailType).toBe("session.completed");
    expect(JSON.parse(event!.detail)).toMatchObject({
      id: `${sessionId}.1.completed`,
      sessionId,
      label: "nightly",
      status: "done",
      usage: { output: expect.any(Number) },
      links: { history: `/api/sessions/${sessionId}/history` },
    });
    expect(event?.detail).not.toContain("secret");
  });

  it("of everything else is never in the log: no task, no answer, no key", async () => {
    const world = testWorld();
    await world.accept("The secret plan. [[stand-in: answer The secret answer.]]");
    await world.accept("The secret plan. [[stand-in: errored invalid_request_error]]");
    world.api.faults.set({ on: "results", kind: "garbled_line", times: 1 });
    await world.ticks(16);
    expect(JSON.stringify(world.logs)).not.toMatch(/secret|sk-test/);
  });
});

describe("a tick", () => {
  it("of which one step fails still takes the others", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.batch();
    world.pass(600);
    const due = () => Promise.reject(new Error("InternalServerError"));
    await world.poll({ sessions: { ...world.deps.sessions, due } });
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
    expect(world.codes().filter((code) => code === "tick_failed")).toHaveLength(3);
    expect(world.figures("parkedLanes")).toEqual([0]);
  });

  it("says what the alarms watch, every time", async () => {
    const world = testWorld(slowBatches);
    await world.accept();
    await world.batch();
    await world.deps.lanes.park("bulk", "credit");
    world.pass(600);
    await world.poll();
    expect(world.figures("oldestOpenBatchSeconds")).toEqual([600]);
    expect(world.figures("settleLagSeconds")).toEqual([0]);
    expect(world.figures("parkedLanes")).toEqual([1]);
    expect(world.figures("undeliveredSeconds")).toEqual([0]);
  });

  it("is left to whoever is at it", async () => {
    const world = testWorld();
    await world.deps.leases.hold("poller", 600, () => world.poll());
    expect(world.called("GET /v1/messages/batches")).toBe(0);
    expect(world.logs).toEqual([{ code: "lane_busy", fields: { lane: "poller" } }]);
  });
});
