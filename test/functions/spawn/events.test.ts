import { describe, expect, it } from "vitest";
import { testWorld } from "../../support/world.ts";

const job = (more: object = {}) => ({
  id: "nightly",
  agentId: "worker",
  schedule: { kind: "cron", expr: "15 2 * * *" },
  payload: { kind: "agentTurn", message: "Write tonight's report." },
  ...more,
});
const config = (jobs: object[]) => ({ agents: { list: [{ id: "worker" }] }, cron: { jobs } });
const sessionsOf = (world: ReturnType<typeof testWorld>) => world.table.items().filter(({ sk }) => sk === "META");

describe("a cron job's input", () => {
  const fired = (time: string, cronJob = "nightly") => ({ cronJob, time });

  it("spawns a session of its agent, under the job's key", async () => {
    const world = testWorld({ config: config([job()]) });
    await world.spawnFromEvent(fired("2026-11-22T02:15:00Z"));
    const [session, ...others] = sessionsOf(world);
    expect(others).toEqual([]);
    const id = String(session?.["sessionId"]);
    expect(session).toMatchObject({
      client: "cron",
      agentId: "worker",
      sessionKey: `agent:worker:cron:nightly:run:${id.toLowerCase()}`,
    });
    expect(await world.deps.turns.getRequest(id, 1)).toMatchObject({ request: { message: "Write tonight's report." } });
  });

  it("spawns once a minute, however often and late it comes", async () => {
    const world = testWorld({ config: config([job()]) });
    for (const time of ["2026-11-22T02:15:00Z", "2026-11-22T02:15:00Z", "2026-11-22T02:15:59Z"])
      await world.spawnFromEvent(fired(time));
    expect(sessionsOf(world)).toHaveLength(1);
    expect(world.queues.bodies("default")).toHaveLength(1);
    await world.spawnFromEvent(fired("2026-11-22T02:16:00Z"));
    expect(sessionsOf(world)).toHaveLength(2);
  });

  it("stands for its place on the grid, where it fires every so often", async () => {
    const world = testWorld({ config: config([job({ schedule: { kind: "every", expr: "15m" } })]) });
    for (const time of ["2026-11-22T02:15:03Z", "2026-11-22T02:29:59Z"]) await world.spawnFromEvent(fired(time));
    expect(sessionsOf(world)).toHaveLength(1);
    await world.spawnFromEvent(fired("2026-11-22T02:30:00Z"));
    expect(sessionsOf(world)).toHaveLength(2);
  });

  it("stays the one session of its minute when the job was changed in between", async () => {
    const world = testWorld({ config: config([job()]) });
    await world.spawnFromEvent(fired("2026-11-22T02:15:00Z"));
    const changed = world.configured(config([job({ payload: { kind: "agentTurn", message: "Something else." } })]));
    await changed.spawnFromEvent(fired("2026-11-22T02:15:00Z"));
    expect(sessionsOf(world)).toHaveLength(1);
    expect(world.codes()).toEqual(["session_accepted", "session_repeated"]);
  });

  it("of a job that is no longer configured is logged and dropped", async () => {
    const world = testWorld({ config: config([job()]) });
    await world.spawnFromEvent(fired("2026-11-22T02:15:00Z", "gone"));
    expect(world.table.items()).toEqual([]);
    expect(world.logs).toEqual([
      {
        code: "spawn_event_rejected",
        fields: expect.objectContaining({ cronJob: "gone", param: "cronJob", status: 400 }),
      },
    ]);
  });
});

describe("an offpeak.spawn event", () => {
  const event = (detail: unknown, more: object = {}) => ({
    version: "0",
    id: "event-1",
    source: "my.app",
    "detail-type": "offpeak.spawn",
    detail,
    ...more,
  });

  it("spawns what its detail asks for", async () => {
    const world = testWorld();
    await world.spawnFromEvent(event({ task: "Now.", agentId: "live", label: "urgent" }));
    expect(sessionsOf(world)).toMatchObject([
      { client: "eventbridge", agentId: "live", label: "urgent", mode: "realtime" },
    ]);
  });

  it("delivered twice spawns once", async () => {
    const world = testWorld();
    await world.spawnFromEvent(event({ task: "t" }));
    await world.spawnFromEvent(event({ task: "t" }, { time: "2026-11-22T03:00:01Z" }));
    expect(sessionsOf(world)).toHaveLength(1);
  });

  it("is known by its own idempotency key, else by who sent it and its id", async () => {
    const world = testWorld();
    await world.spawnFromEvent(event({ task: "t" }));
    await world.spawnFromEvent(event({ task: "t" }, { id: "event-2" }));
    await world.spawnFromEvent(event({ task: "t" }, { source: "another.app" }));
    expect(sessionsOf(world)).toHaveLength(3);
    await world.spawnFromEvent(event({ task: "t", idempotencyKey: "k" }, { id: "event-3" }));
    await world.spawnFromEvent(event({ task: "t", idempotencyKey: "k" }, { id: "event-4" }));
    expect(sessionsOf(world)).toHaveLength(4);
  });

  it("with a key that was used for another detail is logged and dropped", async () => {
    const world = testWorld();
    await world.spawnFromEvent(event({ task: "one", idempotencyKey: "k" }));
    await world.spawnFromEvent(event({ task: "another", idempotencyKey: "k" }));
    expect(sessionsOf(world)).toHaveLength(1);
    expect(world.logs.at(-1)).toMatchObject({
      code: "spawn_event_rejected",
      fields: { status: 409, eventId: "event-1" },
    });
  });

  it.each([
    [{ task: "" }, "detail.task"],
    [{ task: "t".repeat(256 * 1024) }, "detail"],
    [{ task: "t", agentId: "nobody" }, "agentId"],
    [{ task: "t", tsak: "t" }, "detail.tsak"],
    [{ task: "t", batch: true, routing: "realtime" }, "detail.batch"],
  ])("that asks for what cannot be is logged with its field and dropped: %o", async (detail, param) => {
    const world = testWorld();
    await world.spawnFromEvent(event(detail));
    expect(world.table.items()).toEqual([]);
    expect(world.logs).toMatchObject([{ code: "spawn_event_rejected", fields: { eventId: "event-1", param } }]);
  });

  it("never has its task in the log", async () => {
    const world = testWorld();
    await world.spawnFromEvent(event({ task: "the secret plan", agentId: "nobody" }));
    await world.spawnFromEvent(event("the secret plan"));
    expect(JSON.stringify(world.logs)).not.toContain("secret plan");
  });
});

describe("an event that is none of these", () => {
  it.each([
    ["nothing", undefined],
    ["text", "event"],
    ["a job without a time", { cronJob: "nightly" }],
    ["a time that is none", { cronJob: "nightly", time: "tonight" }],
    ["an event of another type", { "detail-type": "session.completed", source: "s", id: "i", detail: {} }],
    ["an event without an id", { "detail-type": "offpeak.spawn", source: "s", detail: { task: "t" } }],
  ])("is logged and dropped, since nobody is there to answer: %s", async (_name, event) => {
    const world = testWorld({ config: config([job()]) });
    await world.spawnFromEvent(event);
    expect(world.table.items()).toEqual([]);
    expect(world.codes()).toEqual(["spawn_event_rejected"]);
  });

  it("fails, so that AWS tries again, only where the store is away", async () => {
    const world = testWorld({ config: config([job()]) });
    const insert = () => Promise.reject(new Error("InternalServerError"));
    const turns = { ...world.deps.turns, insertRequest: insert };
    const event = { cronJob: "nightly", time: "2026-11-22T02:15:00Z" };
    await expect(world.spawnFromEventWith(event, { turns })).rejects.toThrow("InternalServerError");
    await world.spawnFromEvent(event);
    expect(sessionsOf(world)).toHaveLength(1);
  });
});
