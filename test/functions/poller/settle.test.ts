import { describe, expect, it } from "vitest";
import type { Fault } from "../../../infra/local/anthropic/faults.ts";
import { batchesOf, createBodies } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const results = (world: TestWorld) => world.api.calls.filter(({ url }) => url.endsWith("/results")).length;
const all = (world: TestWorld, ids: readonly string[]) => Promise.all(ids.map((id) => world.see(id)));

/** A world whose tasks are in one batch that has just ended. */
async function ended(tasks: readonly string[], world = testWorld()) {
  const ids: string[] = [];
  for (const task of tasks) ids.push(await world.accept(task));
  await world.batch();
  world.pass(600);
  return { world, ids };
}
const plain = (count: number) => Array.from({ length: count }, (_none, index) => `Task ${index}`);
const lane = (more: object) => ({
  agents: { list: [{ id: "worker", cacheRetention: "none" }] },
  lanes: [{ id: "default", ...more }],
});

describe("the poller, while a batch is worked on", () => {
  it("asks once a tick, reads nothing and moves nobody", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    await world.batch();
    await world.poll();
    await world.poll();
    expect(world.called("GET /v1/messages/batches")).toBe(2);
    expect(results(world)).toBe(0);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted" });
  });
});

describe("a result", () => {
  const outcomes: [string, string, Record<string, unknown>][] = [
    ["an answer", "[[stand-in: answer Fine.]]", { status: "done", stopReason: "end_turn" }],
    [
      "an answer that was cut",
      "[[stand-in: max_tokens]]",
      { status: "done", stopReason: "max_tokens", truncated: true },
    ],
    [
      "a full window",
      "[[stand-in: context_window]]",
      { status: "done", stopReason: "model_context_window_exceeded", truncated: true },
    ],
    ["a refusal", "[[stand-in: refusal]]", { status: "failed", stopReason: "refusal", error: { type: "refusal" } }],
    [
      "a wish for a tool",
      "[[stand-in: tool_use]]",
      { status: "failed", stopReason: "tool_use", error: { type: "tool_use" } },
    ],
    [
      "an error for good",
      "[[stand-in: errored invalid_request_error]]",
      { status: "failed", error: { type: "invalid_request_error" } },
    ],
    ["a message that is none", "[[stand-in: malformed]]", { status: "failed", error: { type: "unreadable_result" } }],
  ];

  it.each(outcomes)("ends its turn as it says, and harms no other: %s", async (_name, task, expected) => {
    const { world, ids } = await ended([task, "Beside it."]);
    await world.poll();
    const [session, other] = await all(world, ids);
    expect(session).toMatchObject({ ...expected, attempt: 1, delivered: true, endedAt: world.clock.now() });
    expect(other).toMatchObject({ status: "done", delivered: true });
    expect(world.told(ids[0]!)).toEqual([{ id: `${ids[0]}.1.completed`, status: expected["status"] }]);
    expect(batchesOf(world)).toMatchObject([{ state: "settled" }]);
    expect(await world.deps.manifests.open()).toEqual([]);
  });

  it("keeps the content of a refusal, which was paid for", async () => {
    const { world, ids } = await ended(["[[stand-in: refusal]]"]);
    await world.poll();
    const { results: stored } = await world.deps.turns.read(ids[0]!);
    expect(stored).toMatchObject([{ billed: true, usage: { input: expect.any(Number) } }]);
  });

  it.each([
    ["an error of the API's own", "[[stand-in: errored overloaded_error times 1]]"],
    ["an end before its time", "[[stand-in: expired times 1]]"],
  ])("that is worth it is tried again after a pause: %s", async (_name, task) => {
    const { world, ids } = await ended([task]);
    await world.poll();
    const [session] = await all(world, ids);
    expect(session).toMatchObject({ status: "queued", attempt: 2, sendNo: 2 });
    expect(Number(session?.["notBefore"])).toBeGreaterThanOrEqual(world.clock.now());
    expect(Number(session?.["notBefore"])).toBeLessThanOrEqual(world.clock.now() + 30_000);
    await world.ticks(20);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", attempt: 2 });
    expect(createBodies(world)).toHaveLength(2);
  });

  it("is tried as often as its lane says, and then failed with the last reason", async () => {
    const { world, ids } = await ended(
      ["[[stand-in: errored overloaded_error]]"],
      testWorld({ config: lane({ maxAttempts: 2 }) }),
    );
    await world.ticks(40);
    expect(await world.see(ids[0]!)).toMatchObject({
      status: "failed",
      attempt: 2,
      error: { type: "overloaded_error" },
      delivered: true,
    });
    expect(createBodies(world)).toHaveLength(2);
    expect(world.api.model.bill()).toEqual([]);
  });

  it("about credit parks the lane and burns no attempt", async () => {
    const { world, ids } = await ended(["[[stand-in: credit times 1]]", "Fine."]);
    await world.poll();
    expect(await world.deps.lanes.parked("default")).toMatchObject({ reason: "credit" });
    expect(await all(world, ids)).toMatchObject([{ status: "queued", attempt: 1 }, { status: "done" }]);
    await world.ticks(30);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", attempt: 1 });
  });

  it("that pauses goes on in a next turn, the content so far sent back byte for byte", async () => {
    const { world, ids } = await ended(["[[stand-in: pause_turn 1]] Search."]);
    await world.poll();
    expect(await world.see(ids[0]!)).toMatchObject({ status: "queued", turn: 2, attempt: 1 });
    expect(world.told(ids[0]!)).toEqual([]);
    await world.ticks(16);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", turn: 2 });
    const { results: stored } = await world.deps.turns.read(ids[0]!);
    const first = await world.deps.turns.readBody(stored.find(({ turn }) => turn === 1)!);
    const content = /"content":(\[.*\]),"stop_reason"/.exec(first)?.[1];
    expect(createBodies(world).at(-1)?.requests[0]?.params["messages"]).toEqual([
      { role: "user", content: "[[stand-in: pause_turn 1]] Search." },
      { role: "assistant", content: JSON.parse(content ?? "") },
    ]);
    expect(world.api.calls.findLast(({ method }) => method === "POST")?.body).toContain(content);
    expect(world.told(ids[0]!)).toEqual([{ id: `${ids[0]}.2.completed`, status: "done" }]);
  });

  it("that pauses without an end is failed after twenty turns", async () => {
    const { world, ids } = await ended(["[[stand-in: pause_turn 99]]"]);
    await world.ticks(20 * 16);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "failed", turn: 20, error: { type: "max_turns" } });
    expect(world.api.model.bill()).toHaveLength(20);
  });
});

describe("a result file that cannot be believed", () => {
  const damages: [string, Omit<Fault, "on">][] = [
    ["cut at a line", { kind: "truncated_at_line", index: 2 }],
    ["cut before its first line", { kind: "truncated_at_line", index: 0 }],
    ["cut within a line", { kind: "truncated_mid_line", index: 2 }],
    ["reset", { kind: "reset_mid_stream", index: 2 }],
    ["404, though the batch has ended", { kind: "not_found" }],
    ["500", { kind: "server_error" }],
    ["garbled in a line", { kind: "garbled_line", index: 1 }],
    ["without one of its lines", { kind: "missing_line", index: 1 }],
    ["on another host than the API", { kind: "hang" }],
  ];

  it.each(damages)("is read again, from the top, and settles nobody wrongly: %s", async (_name, fault) => {
    const { world, ids } = await ended(plain(4));
    world.api.faults.set({ on: "results", times: 1, ...fault });
    await world.poll();
    for (const session of await all(world, ids)) {
      expect(["submitted", "done"]).toContain(session["status"]);
      expect(session).toMatchObject({ attempt: 1 });
    }
    expect(batchesOf(world)).toMatchObject([{ state: "submitted", readFailures: 1, readProblem: expect.any(String) }]);
    world.pass(60);
    await world.poll();
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(batchesOf(world)).toMatchObject([{ state: "settled" }]);
    expect(batchesOf(world)[0]).not.toHaveProperty("readProblem");
    for (const id of ids) expect(world.told(id)).toEqual([{ id: `${id}.1.completed`, status: "done" }]);
    expect(createBodies(world)).toHaveLength(1);
  });

  it("is read on the next tick, then after 2, 4, 8 ticks, and at most ten minutes apart", async () => {
    const { world } = await ended(plain(2));
    world.api.faults.set({ on: "results", kind: "truncated_at_line", times: 7 });
    const at: number[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      const before = results(world);
      await world.poll();
      if (results(world) > before) at.push(minute);
      world.pass(60);
    }
    expect(at).toEqual([0, 1, 3, 7, 15, 25, 35, 45]);
  });

  it("is never asked for at another host, whatever the batch says", async () => {
    const { world, ids } = await ended(plain(1));
    world.api.faults.set({ on: "list", kind: "results_elsewhere", url: "http://elsewhere.test/results", times: 1 });
    await world.poll();
    expect(results(world)).toBe(0);
    expect(batchesOf(world)).toMatchObject([{ state: "submitted", readFailures: 1 }]);
    world.pass(60);
    await world.poll();
    expect(await all(world, ids)).toMatchObject([{ status: "done" }]);
  });

  it.each([
    ["one after the other", 2, 0],
    ["at the end of one page and the beginning of the next", 201, 199],
  ])("with a line that comes twice, %s, settles it once, and tells of it once", async (_, count, index) => {
    const { world, ids } = await ended(plain(count));
    world.api.faults.set({ on: "results", kind: "duplicate_line", index, times: 1 });
    await world.ticks(2);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done" });
    for (const id of ids) expect((await world.deps.turns.read(id)).results).toHaveLength(1);
    expect(world.events.taken).toHaveLength(count);
  });

  it("with a line of nobody's keeps it for a person to look at, and believes the rest", async () => {
    const { world, ids } = await ended(plain(2));
    world.api.faults.set({ on: "results", kind: "foreign_line", times: 1 });
    await world.poll();
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done" });
    expect(world.table.items().filter(({ sk }) => sk.startsWith("QUARANTINE#"))).toHaveLength(1);
    expect(world.figures("quarantinedLines")).toEqual([1]);
    expect(world.codes()).toContain("result_quarantined");
    expect(batchesOf(world)).toMatchObject([{ state: "settled" }]);
  });

  it("whose line stays unreadable fails that one in the end, since it may have been paid for; never a silent requeue", async () => {
    const { world, ids } = await ended(plain(3));
    world.api.faults.set({ on: "results", kind: "garbled_line", index: 0 });
    await world.ticks(120);
    const statuses = (await all(world, ids)).map(({ status }) => String(status));
    expect(statuses.toSorted()).toEqual(["done", "done", "failed"]);
    const failed = (await all(world, ids)).find(({ status }) => status === "failed");
    expect(failed).toMatchObject({ error: { type: "unreadable_result" }, delivered: true });
    expect(createBodies(world)).toHaveLength(1);
    expect(world.figures("lostResults")).toEqual([1]);
  });
});

describe("a batch whose results can no longer come", () => {
  it("ends its members as lost, with an alarm, and never sends them again in silence: after 29 days", async () => {
    const { world, ids } = await ended(plain(2));
    world.pass(29 * 24 * 3_600);
    await world.poll();
    for (const session of await all(world, ids))
      expect(session).toMatchObject({ status: "failed", error: { type: "results_lost" }, delivered: true });
    expect(world.figures("lostResults")).toEqual([2]);
    expect(batchesOf(world)).toMatchObject([{ state: "settled" }]);
    await world.ticks(10);
    expect(createBodies(world)).toHaveLength(1);
  });

  it("ends them after 48 hours of 404, not before", async () => {
    const { world, ids } = await ended(plain(1));
    world.api.faults.set({ on: "results", kind: "not_found" });
    for (let hour = 0; hour < 48; hour += 1) {
      await world.poll();
      world.pass(3_600);
    }
    expect(await all(world, ids)).toMatchObject([{ status: "submitted" }]);
    world.pass(600);
    await world.poll();
    expect(await all(world, ids)).toMatchObject([{ status: "failed", error: { type: "results_lost" } }]);
  });

  it("comes back from a 404 that flapped for a day", async () => {
    const { world, ids } = await ended(plain(1));
    world.api.faults.set({ on: "results", kind: "not_found" });
    for (let hour = 0; hour < 24; hour += 1) {
      await world.poll();
      world.pass(3_600);
    }
    world.api.faults.clear();
    await world.poll();
    expect(await all(world, ids)).toMatchObject([{ status: "done" }]);
  });
});

describe("a list that cannot be read, or lacks the batch", () => {
  it.each([
    ["500", { kind: "server_error" }],
    ["429", { kind: "rate_limited" }],
    ["401", { kind: "unauthorized" }],
    ["no answer", { kind: "hang" }],
    ["without its newest", { kind: "list_missing" }],
  ] as [string, Omit<Fault, "on">][])("costs time and nothing else: %s", async (_name, fault) => {
    const { world, ids } = await ended(plain(2));
    world.api.faults.set({ on: "list", times: 5, ...fault });
    await world.ticks(8);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done", attempt: 1 });
    expect(createBodies(world)).toHaveLength(1);
  });
});

describe("settling", () => {
  it.each([true, false])("by two pollers at once changes nothing but the work done; leases: %s", async (withLeases) => {
    const { world, ids } = await ended(
      [...plain(5), "[[stand-in: pause_turn 1]]", "[[stand-in: expired times 1]]"],
      testWorld({ withLeases }),
    );
    await Promise.all([world.poll(), world.poll(), world.poll()]);
    await world.ticks(30);
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done" });
    for (const id of ids) expect(new Set(world.told(id).map((told) => told.id)).size).toBe(1);
    expect(world.api.model.bill()).toHaveLength(8);
  });

  it("goes on where time ran out, with the next tick", async () => {
    const { world, ids } = await ended(plain(3));
    await world.poll({ millisecondsLeft: () => 100_000 });
    expect(await all(world, ids)).toMatchObject([
      { status: "submitted" },
      { status: "submitted" },
      { status: "submitted" },
    ]);
    expect(world.codes()).toContain("time_short");
    await world.poll();
    for (const session of await all(world, ids)) expect(session).toMatchObject({ status: "done" });
  });

  it("ends with the page at hand where time runs out in the middle of a file, and goes on with a later tick", async () => {
    const { world, ids } = await ended(plain(450));
    const statuses = async () => Map.groupBy(await all(world, ids), (session) => session?.status);
    let looks = 0;
    const millisecondsLeft = () => {
      looks += 1;
      return looks === 1 ? 900_000 : 50_000;
    };
    await world.poll({ millisecondsLeft });
    expect((await statuses()).get("done")).toHaveLength(200);
    expect((await statuses()).get("submitted")).toHaveLength(250);
    await world.ticks(5);
    expect((await statuses()).get("done")).toHaveLength(450);
    for (const id of ids) expect(new Set(world.told(id).map((told) => told.id)).size).toBe(1);
    expect(world.api.model.bill()).toHaveLength(450);
  });

  it("of many pages of lines settles each", async () => {
    const { world, ids } = await ended(plain(450));
    await world.poll();
    expect(new Set((await all(world, ids)).map(({ status }) => status))).toEqual(new Set(["done"]));
    expect(new Set(world.events.taken.map(({ detail }) => detail)).size).toBe(450);
  });

  it("crashing at any step, before or after it took hold, is done again, and delivered with one id", async () => {
    const tasks = ["One.", "[[stand-in: pause_turn 1]]", "[[stand-in: errored invalid_request_error]]"];
    const dry = await ended(tasks);
    const steps = dry.world.crashing({ at: () => false, when: "before" });
    await steps.process.run(() => steps.poll());
    expect(steps.process.trace.length).toBeGreaterThan(15);
    for (let no = 1; no <= steps.process.trace.length; no += 1) {
      for (const when of ["before", "after"] as const) {
        const { world, ids } = await ended(tasks);
        const half = world.crashing({ at: (_what, at) => at === no, when });
        expect(await half.process.run(() => half.poll())).toBe(true);
        await world.ticks(30);
        const where = `${when} ${no} ${steps.process.trace[no - 1]}`;
        expect(
          (await all(world, ids)).map(({ status }) => status),
          where,
        ).toEqual(["done", "done", "failed"]);
        for (const [index, id] of ids.entries()) {
          const told = new Set(world.told(id).map((one) => one.id));
          expect(told, where).toEqual(new Set([`${id}.${index === 1 ? 2 : 1}.completed`]));
          expect(await world.see(id), where).toMatchObject({ delivered: true });
          expect(await world.see(id), where).not.toHaveProperty("due");
        }
        expect(world.api.model.bill(), where).toHaveLength(3);
        expect(await world.deps.manifests.open(), where).toEqual([]);
      }
    }
  }, 90_000);
});
