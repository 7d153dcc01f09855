import { describe, expect, it } from "vitest";
import { sha256 } from "../../../functions/domain/ids.ts";
import type { SpawnInput } from "../../../functions/spawn/spawn.ts";
import { testWorld } from "../../support/world.ts";

const asked = (more: Partial<SpawnInput> = {}): SpawnInput => ({
  request: { task: "Write the report." },
  client: "owner",
  agents: "*",
  hash: sha256("the body"),
  ...more,
});
const keyed = (more: Partial<SpawnInput> = {}) => asked({ idempotencyKey: "nightly-1", ...more });

const config = (worker: object, more: object = {}) => ({ agents: { list: [{ id: "worker", ...worker }] }, ...more });

describe("spawn", () => {
  it("keeps the request, the session and a pointer to it in the queue of its lane", async () => {
    const world = testWorld();
    const { sessionId } = await world.spawn(asked());
    expect(await world.see(sessionId)).toMatchObject({
      status: "queued",
      agentId: "worker",
      client: "owner",
      turn: 1,
      attempt: 1,
      sendNo: 1,
      notBefore: 0,
      sessionKey: `agent:worker:dashboard:${sessionId.toLowerCase()}`,
    });
    const kept = await world.deps.turns.getRequest(sessionId, 1);
    expect(kept).toMatchObject({ hash: sha256("the body"), request: { message: "Write the report." } });
    expect(world.queues.bodies("default").map((body): unknown => JSON.parse(body))).toEqual([
      { sessionId, turn: 1, attempt: 1, sendNo: 1 },
    ]);
  });

  it("calls no model", async () => {
    const world = testWorld();
    await world.spawn(asked());
    expect(world.api.calls).toEqual([]);
  });

  it("sends real-time work to the queue of its own", async () => {
    const world = testWorld();
    await world.spawn(asked({ request: { task: "Now.", agentId: "live" } }));
    expect(world.queues.bodies("realtime")).toHaveLength(1);
    expect(world.queues.bodies("default")).toEqual([]);
  });

  it("gives each call without a key a session of its own", async () => {
    const world = testWorld();
    const [one, other] = [await world.spawn(asked()), await world.spawn(asked())];
    expect(one.sessionId).not.toBe(other.sessionId);
  });

  it("counts a deadline from acceptance; 0 says there is none, whatever the lane has", async () => {
    const world = testWorld({ config: config({}, { lanes: [{ id: "default", deadlineSeconds: 7_200 }] }) });
    const deadlineOf = async (request: object) =>
      (await world.spawn(asked({ request: { task: "t", ...request } }))).deadlineAt;
    expect(await deadlineOf({ timeoutSeconds: 600 })).toBe(world.clock.now() + 600_000);
    expect(await deadlineOf({})).toBe(world.clock.now() + 7_200_000);
    expect(await deadlineOf({ timeoutSeconds: 0 })).toBeUndefined();
  });

  it.each([
    [{ task: "t", agentId: "nobody" }, "agentId"],
    [{ task: "t", lane: "nowhere" }, "lane"],
  ])("refuses %o and names the field, before anything is written", async (request, param) => {
    const world = testWorld();
    await expect(world.spawn(asked({ request }))).rejects.toMatchObject({ status: 400, param });
    expect(world.table.items()).toEqual([]);
  });

  it("refuses to batch an agent with zero data retention when asked to, and goes real-time when not", async () => {
    const world = testWorld({ config: config({ zeroDataRetention: true }) });
    const batch = asked({ request: { task: "t", mode: "batch" } });
    await expect(world.spawn(batch)).rejects.toMatchObject({ status: 400, param: "routing" });
    expect(await world.spawn(asked())).toMatchObject({ mode: "realtime", zeroDataRetention: true });
  });
});

describe("spawn with an idempotency key", () => {
  it("answers a repeat with the same session, and sends no second message", async () => {
    const world = testWorld();
    const first = await world.spawn(keyed());
    world.pass(3_600);
    expect(await world.spawn(keyed())).toEqual(first);
    expect(world.queues.bodies("default")).toHaveLength(1);
    expect(world.codes()).toEqual(["session_accepted", "session_repeated"]);
  });

  it("refuses the same key with another body", async () => {
    const world = testWorld();
    await world.spawn(keyed());
    const other = keyed({ hash: sha256("another body") });
    await expect(world.spawn(other)).rejects.toMatchObject({ status: 409, param: "Idempotency-Key" });
  });

  it("knows clients apart: the same key of another is another session", async () => {
    const world = testWorld();
    const [one, other] = [await world.spawn(keyed()), await world.spawn(keyed({ client: "cron" }))];
    expect(one.sessionId).not.toBe(other.sessionId);
  });

  it("answers what was accepted, even if the configuration has changed since", async () => {
    const world = testWorld();
    const first = await world.spawn(keyed());
    const changed = world.configured(config({ model: "claude-opus-5", maxTokens: 99, routing: "realtime" }));
    expect(await changed.spawn(keyed())).toEqual(first);
    const gone = world.configured({ agents: { list: [{ id: "another" }] } });
    expect(await gone.spawn(keyed({ request: { task: "Write the report.", agentId: "worker" } }))).toEqual(first);
    expect(world.table.items()).toHaveLength(2);
  });

  it("makes one session of many calls at once", async () => {
    const world = testWorld();
    const sessions = await Promise.all(Array.from({ length: 5 }, () => world.spawn(keyed())));
    expect(new Set(sessions.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(world.table.items()).toHaveLength(2);
    expect(world.queues.bodies("default")).toHaveLength(1);
  });

  it("lets one of two bodies win that come at once", async () => {
    const world = testWorld();
    const both = await Promise.allSettled([world.spawn(keyed()), world.spawn(keyed({ hash: sha256("other") }))]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(world.table.items()).toHaveLength(2);
  });
});

describe("spawn that crashed", () => {
  it("between the request and the session is finished by the repeat, as it was accepted first", async () => {
    const world = testWorld();
    const half = world.crashing({ at: (what) => what.startsWith("table.insert REQUEST"), when: "after" });
    expect(await half.process.run(() => half.spawn(keyed()))).toBe(true);
    const acceptedAt = world.clock.now();
    expect(world.table.items().map(({ sk }) => sk)).toEqual(["REQUEST#0001"]);
    world.pass(120);
    const changed = world.configured(config({ model: "claude-opus-5" }));
    const session = await changed.spawn(keyed());
    expect(session).toMatchObject({ createdAt: acceptedAt, model: "claude-haiku-5-5" });
    expect(world.queues.bodies("default")).toHaveLength(1);
  });

  it("between the session and the queue is rescued, without anybody asking again", async () => {
    const world = testWorld();
    const half = world.crashing({ at: (what) => what.startsWith("queues.send"), when: "before" });
    expect(await half.process.run(() => half.spawn(keyed()))).toBe(true);
    expect(world.queues.bodies("default")).toEqual([]);
    world.pass(119);
    await world.poll();
    expect(world.queues.bodies("default")).toEqual([]);
    world.pass(1);
    await world.poll();
    expect(world.queues.bodies("default")).toHaveLength(1);
    await world.ticks(15);
    const { sessionId } = await world.spawn(keyed());
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
  });

  it("at any step leaves a session that the repeat completes, once", async () => {
    const steps = testWorld().crashing({ at: () => false, when: "before" });
    await steps.process.run(() => steps.spawn(keyed()));
    const count = steps.process.trace.length;
    expect(count).toBeGreaterThanOrEqual(4);
    for (let no = 1; no <= count; no += 1) {
      for (const when of ["before", "after"] as const) {
        const world = testWorld();
        const half = world.crashing({ at: (_what, at) => at === no, when });
        expect(await half.process.run(() => half.spawn(keyed()))).toBe(true);
        const { sessionId } = await world.spawn(keyed());
        await world.ticks(16);
        expect(await world.see(sessionId), `${when} ${steps.process.trace[no - 1]}`).toMatchObject({ status: "done" });
        expect(world.called("POST /v1/messages/batches")).toBe(1);
        expect(world.told(sessionId)).toEqual([{ id: `${sessionId}.1.completed`, status: "done" }]);
      }
    }
  });
});

describe("spawn while the queue is away", () => {
  const withoutQueue = () => {
    const world = testWorld();
    const away = { ...world.deps.queues, send: () => Promise.reject(new Error("ServiceUnavailable")) };
    return { world, spawn: (input: SpawnInput) => world.spawnWith(input, { queues: away }) };
  };

  it("accepts all the same, and says so in the log", async () => {
    const { world, spawn } = withoutQueue();
    const { sessionId } = await spawn(asked());
    expect(await world.see(sessionId)).toMatchObject({ status: "queued" });
    expect(world.codes()).toEqual(["session_accepted", "queue_send_failed"]);
  });

  it("loses nothing: rescue sends the message", async () => {
    const { world, spawn } = withoutQueue();
    const { sessionId } = await spawn(asked());
    await world.ticks(16);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
  });
});

describe("spawn into a lane that is closed", () => {
  it("sends nothing to the queue before it opens, and everything once it does", async () => {
    // The clock of the tests says 03:00.
    const world = testWorld({ config: config({}, { lanes: [{ id: "default", hours: "05:00-06:00" }] }) });
    const { sessionId, notBefore } = await world.spawn(asked());
    expect(notBefore).toBe(world.clock.now() + 2 * 3_600_000);
    expect(world.queues.bodies("default")).toEqual([]);
    await world.ticks(119);
    expect(world.called("POST /v1/messages/batches")).toBe(0);
    await world.ticks(4);
    expect(await world.see(sessionId)).toMatchObject({ status: "submitted", attempt: 1 });
  });
});
