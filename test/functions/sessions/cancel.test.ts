import { describe, expect, it } from "vitest";
import { terminalStatuses } from "../../../functions/domain/session.ts";
import { sessionItem } from "../../../functions/store/session-items.ts";
import { requestsOf } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";
import { aSession, sessionId as someId } from "../domain/support.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const slow = { batchSeconds: { min: 4 * 3_600, max: 4 * 3_600 } };

async function post(world: Pick<TestWorld, "http">, path: string, body?: unknown) {
  const init = { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await world.http(path, init);
  const answer: Json = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body: answer };
}
const cancel = (world: Pick<TestWorld, "http">, sessionId: string) => post(world, `/api/sessions/${sessionId}/cancel`);
const show = async (world: TestWorld, sessionId: string): Promise<Json> =>
  JSON.parse(await (await world.http(`/api/sessions/${sessionId}`)).text());

describe("canceling a session", () => {
  it("ends one that is queued at once: it is never sent, and the outside is told once", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    const { status, body } = await cancel(world, sessionId);
    expect(status).toBe(200);
    expect(body).toEqual(await show(world, sessionId));
    expect(body).toMatchObject({ sessionId, status: "canceled", delivery: { status: "delivered" } });
    expect(Date.parse(body.endedAt)).toBe(world.clock.now());
    await world.ticks(20);
    expect(world.called("POST /v1/messages/batches")).toBe(0);
    expect(world.told(sessionId)).toEqual([
      expect.objectContaining({ id: `${sessionId}.1.completed`, status: "canceled" }),
    ]);
    expect((await show(world, sessionId)).cost).toBeUndefined();
  });

  it("ends one that is in a batch at once; its late answer changes nothing and is booked as after-cancel", async () => {
    const world = testWorld({ batchSeconds: { min: 600, max: 600 } });
    const ids = [await world.accept("One."), await world.accept("Two.")];
    await world.ticks(1);
    expect((await cancel(world, ids[0]!)).body).toMatchObject({ status: "canceled" });
    const before = await world.see(ids[0]!);
    await world.ticks(20);
    expect(await world.see(ids[0]!)).toEqual(before);
    expect(await world.see(ids[1]!)).toMatchObject({ status: "done" });
    const shown = await show(world, ids[0]!);
    expect(shown.cost.wastedUsd).toBeGreaterThan(0);
    expect(shown.cost.totalUsd).toBe(shown.cost.wastedUsd);
    expect(shown.results).toMatchObject([{ turn: 1, type: "succeeded", standing: "after-cancel" }]);
    expect(shown.usage.output).toBe(0);
    expect(world.told(ids[0]!)).toHaveLength(1);
  });

  it("ends one that is running; the late answer of its call is booked", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Now.", { routing: "realtime" });
    const [received] = await world.queues.receive("realtime");
    const anthropicFor = (credential: Parameters<typeof world.anthropicFor>[0]) => {
      const real = world.anthropicFor(credential);
      const createMessage: typeof real.createMessage = async (call) => {
        expect((await cancel(world, sessionId)).body).toMatchObject({ status: "canceled", cost: { missing: 1 } });
        return real.createMessage(call);
      };
      return { ...real, createMessage };
    };
    await world.runMessageWith(received!.body, { anthropicFor });
    const shown = await show(world, sessionId);
    expect(shown).toMatchObject({ status: "canceled", cost: { missing: 0 }, results: [{ standing: "after-cancel" }] });
    expect(shown.cost.wastedUsd).toBeGreaterThan(0);
    expect(world.told(sessionId)).toHaveLength(1);
  });

  it("answers 200 again, and tells nobody twice", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    const [first, again] = [await cancel(world, sessionId), await cancel(world, sessionId.toLowerCase())];
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect(world.told(sessionId)).toHaveLength(1);
  });

  it.each(terminalStatuses.filter((status) => status !== "canceled"))(
    "answers 409 where it is %s, and changes nothing",
    async (status) => {
      const world = testWorld();
      await world.table.put({ item: sessionItem(aSession({ status, delivered: true }), undefined), when: [] });
      const before = await world.see(someId);
      const answer = await cancel(world, someId);
      expect([answer.status, answer.body.error.type]).toEqual([409, "conflict_error"]);
      expect(answer.body.error.message).toContain(status);
      expect(await world.see(someId)).toEqual(before);
    },
  );

  it("answers 404 to an id of nobody, 405 to another method, 401 to a stranger", async () => {
    const world = testWorld();
    expect((await cancel(world, someId)).status).toBe(404);
    const wrong = await world.http(`/api/sessions/${someId}/cancel`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const stranger = await world.http(`/api/sessions/${someId}/cancel`, { method: "POST" }, {});
    expect(stranger.status).toBe(401);
  });

  it("leaves the telling to the next tick while the bus is away", async () => {
    let isAway = true;
    const world = testWorld({ isRefused: () => isAway });
    const sessionId = await world.accept();
    expect((await cancel(world, sessionId)).body).toMatchObject({ delivery: { status: "pending" } });
    isAway = false;
    world.pass(120);
    await world.poll();
    expect(world.told(sessionId)).toHaveLength(1);
  });

  it("racing a claim, the settling of its answer, or a fallback, ends the turn once, whoever is first", async () => {
    for (const stale of ["queued", "submitted", "running"] as const) {
      for (const isFirst of [true, false]) {
        const world = testWorld();
        const sessionId = await world.accept();
        const seen = (await world.deps.sessions.get(sessionId))!;
        if (stale !== "queued") await world.batch();
        const current = (await world.deps.sessions.get(sessionId))!;
        const run = { run: "rt-1", runEndsAt: world.clock.now() + 1 };
        if (stale === "running") await world.deps.sessions.move("fallBack", current, "running", run);
        const finish = () =>
          world.deps.sessions.move("finish", seen, "done", { winner: "m", endedAt: world.clock.now() });
        if (!isFirst) await finish();
        const answer = await cancel(world, sessionId);
        const late = isFirst ? await finish() : undefined;
        expect([stale, answer.status]).toEqual([stale, isFirst ? 200 : 409]);
        expect(late?.moved ?? false).toBe(false);
        expect(await world.see(sessionId)).toMatchObject({ status: isFirst ? "canceled" : "done" });
      }
    }
  });

  it("looks again where the session moved meanwhile, and cancels what it finds", async () => {
    const world = testWorld({ ...slow });
    const sessionId = await world.accept("[[stand-in: pause_turn 1]] Search.");
    const seen = (await world.deps.sessions.get(sessionId))!;
    await world.deps.sessions.move("nextTurn", seen, "queued", { turn: 2 });
    const sessions = { ...world.deps.sessions, get: async () => seen };
    expect((await world.postWith(`/api/sessions/${sessionId}/cancel`, undefined, { sessions })).status).toBe(200);
    expect(await world.see(sessionId)).toMatchObject({ status: "canceled", turn: 2 });
  });

  it("crashing at any step, before or after it took hold, is finished by the same call again", async () => {
    const world = async () => {
      const made = testWorld(slow);
      const sessionId = await made.accept();
      await made.ticks(1);
      return { made, sessionId };
    };
    const dry = await world();
    const steps = dry.made.crashing({ at: () => false, when: "before" });
    await steps.process.run(() => cancel(steps, dry.sessionId));
    expect(steps.process.trace).toContain("table.update META canceled");
    for (const [index] of steps.process.trace.entries()) {
      for (const when of ["before", "after"] as const) {
        const { made, sessionId } = await world();
        const half = made.crashing({ at: (_what, no) => no === index + 1, when });
        expect(await half.process.run(() => cancel(half, sessionId))).toBe(true);
        expect((await cancel(made, sessionId)).body).toMatchObject({ status: "canceled" });
        await made.ticks(3);
        expect(new Set(made.told(sessionId).map(({ id }) => id)), `${index} ${when}`).toHaveLength(1);
        expect(made.called(`POST /v1/messages/batches/${await batchIdOf(made)}/cancel`)).toBe(1);
      }
    }
  });
});

describe("canceling by label or agent", () => {
  it("ends all that have not ended, and counts the others", async () => {
    const world = testWorld();
    const done = await world.accept("Done.", { agentId: "live", label: "night" });
    await world.workRealtime();
    const queued = [await world.accept("a", { label: "night" }), await world.accept("b", { label: "night" })];
    const other = await world.accept("c", { label: "day" });
    expect(await post(world, "/api/sessions/cancel", { label: "night" })).toMatchObject({
      status: 200,
      body: { canceled: 2, alreadyEnded: 1 },
    });
    for (const id of queued) expect(await world.see(id)).toMatchObject({ status: "canceled", delivered: true });
    expect(await world.see(done)).toMatchObject({ status: "done" });
    expect(await world.see(other)).toMatchObject({ status: "queued" });
    const again = await post(world, "/api/sessions/cancel", { label: "night" });
    expect(again.body).toEqual({ canceled: 0, alreadyEnded: 3 });
    await world.ticks(14);
    expect(requestsOf(world)).toHaveLength(1);
  });

  it("walks the whole list, page by page", async () => {
    const world = testWorld();
    for (let index = 0; index < 450; index += 1) await world.accept("t", { agentId: "worker" });
    const kept = await world.accept("t", { agentId: "live" });
    const { body } = await post(world, "/api/sessions/cancel", { agentId: "worker" });
    expect(body).toEqual({ canceled: 450, alreadyEnded: 0 });
    expect(await world.see(kept)).toMatchObject({ status: "queued" });
    expect(world.events.taken).toHaveLength(450);
  });

  it("stops in time, and goes on from its cursor until the oldest is reached, however many have ended before it", async () => {
    const world = testWorld();
    for (let index = 0; index < 500; index += 1) {
      await world.accept("t", { label: "night" });
      world.pass(1);
    }
    // Each call has time for one page.
    const getMany: typeof world.deps.sessions.getMany = (ids) => {
      world.pass(20);
      return world.deps.sessions.getMany(ids);
    };
    const sessions = { ...world.deps.sessions, getMany };
    const call = async (cursor?: string) =>
      (await world.postWith("/api/sessions/cancel", { label: "night", cursor }, { sessions })).json();
    const first: Json = await call();
    expect(first).toEqual({ canceled: 200, alreadyEnded: 0, more: true, cursor: expect.any(String) });
    expect(await call()).toEqual({ ...first, canceled: 0, alreadyEnded: 200 });
    const second: Json = await call(first.cursor);
    expect(second).toMatchObject({ canceled: 200, alreadyEnded: 0, more: true });
    expect(await call(second.cursor)).toEqual({ canceled: 100, alreadyEnded: 0 });
  });

  it.each([
    [{}, "label"],
    [{ label: "a", agentId: "b" }, "agentId"],
    [{ label: 7 }, "label"],
    [{ agentId: "" }, "agentId"],
    [{ label: "a", lable: "b" }, "lable"],
    [{ label: "a", cursor: "x" }, "cursor"],
    [[], "body"],
  ])("answers 400 with the field: %j", async (body, param) => {
    const answer = await post(testWorld(), "/api/sessions/cancel", body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  });

  it("answers 400 to what is not JSON, and 405 to GET", async () => {
    const world = testWorld();
    expect((await world.http("/api/sessions/cancel", { method: "POST", body: "label=a" })).status).toBe(400);
    expect((await world.http("/api/sessions/cancel")).status).toBe(405);
  });
});

async function batchIdOf(world: TestWorld): Promise<string> {
  const head = world.table.items().find(({ sk }) => sk === "HEAD");
  return String(head?.["batchId"]);
}
