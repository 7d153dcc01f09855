import { describe, expect, it } from "vitest";
import { terminalStatuses } from "../../../functions/domain/session.ts";
import { requestsOf } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";
import { sessionId as someId } from "../domain/support.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const fast = { batchSeconds: { min: 1, max: 1 } };

async function say(world: Pick<TestWorld, "http">, sessionId: string, body: object | string, key?: string) {
  const response = await world.http(`/api/sessions/${sessionId}/messages`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
  });
  const answer: Json = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body: answer };
}

const read = async (world: TestWorld, path: string): Promise<Json> => JSON.parse(await (await world.http(path)).text());
const sentLast = (world: TestWorld): Json => requestsOf(world).at(-1)?.params["messages"];
const texts = (messages: Json): unknown[] => messages.map(({ role, content }: Json) => `${role}: ${textOf(content)}`);
const textOf = (content: Json) =>
  typeof content === "string" ? content : content.map(({ text }: Json) => text).join();

const sorted = (answers: readonly { status: number }[]) =>
  answers.map(({ status }) => status).toSorted((one, other) => one - other);

/** A world with one session whose first turn has ended with this answer. */
async function answered(answer = "Blue.", more: Record<string, unknown> = {}, options: object = fast) {
  const world = testWorld(options);
  const sessionId = await world.accept(`[[stand-in: answer ${answer}]]`, more);
  await world.ticks(3);
  expect(await world.see(sessionId)).toMatchObject({ status: "done", delivered: true });
  return { world, sessionId };
}

describe("a follow-up", () => {
  it("is a new turn of the same conversation, at once in the queue, with an end and a delivery of its own", async () => {
    const { world, sessionId } = await answered();
    const before = await read(world, `/api/sessions/${sessionId}`);
    const { status, body } = await say(world, sessionId, { message: " [[stand-in: answer Green.]] And now?\n" });
    expect([status, body]).toEqual([202, { sessionId, turn: 2 }]);
    const queued = await read(world, `/api/sessions/${sessionId}`);
    expect(queued).toMatchObject({ status: "queued", turn: 2, delivery: { status: "not-due" } });
    for (const gone of ["endedAt", "submittedAt", "stopReason", "error"]) expect(queued).not.toHaveProperty(gone);
    expect(queued.cost).toEqual(before.cost);
    await world.batch();
    expect(texts(sentLast(world))).toEqual([
      "user: [[stand-in: answer Blue.]]",
      "assistant: Blue.",
      "user:  [[stand-in: answer Green.]] And now?\n",
    ]);
    await world.ticks(3);
    const { messages } = await read(world, `/api/sessions/${sessionId}/history`);
    expect(texts(messages).slice(1)).toEqual([
      "assistant: Blue.",
      "user:  [[stand-in: answer Green.]] And now?\n",
      "assistant: Green.",
    ]);
    const after = await read(world, `/api/sessions/${sessionId}`);
    expect(after).toMatchObject({ status: "done", turn: 2, delivery: { status: "delivered" }, cost: { wastedUsd: 0 } });
    expect(after.results.map(({ turn, standing }: Json) => [turn, standing])).toEqual([
      [1, "winner"],
      [2, "winner"],
    ]);
    expect(after.cost.totalUsd).toBeGreaterThan(before.cost.totalUsd);
    expect(world.told(sessionId).map(({ id }) => id)).toEqual([1, 2].map((turn) => `${sessionId}.${turn}.completed`));
  });

  it("replays what was answered byte for byte: thinking, escapes, odd numbers and the order of keys", async () => {
    const { world, sessionId } = await answered();
    const content =
      '[ {"type":"thinking", "thinking":"", "signature":"Eq\\u0051B=="},\n {"10":1.0,"2":12345678901234567890,"type":"block_of_tomorrow","a":1e2},{"text":"\\u00e9\\/","type":"text"}]';
    const { winner } = await world.see(sessionId);
    const key = { pk: `SESSION#${sessionId}`, sk: `RESULT#0001#${String(winner)}` };
    const item = (await world.table.get(key))!;
    await world.table.transact([{ remove: { key, when: [] } }]);
    await world.deps.turns.insertResult({
      sessionId,
      turn: 1,
      source: String(winner),
      tier: "batch",
      type: "succeeded",
      billed: true,
      receivedAt: Number(item["receivedAt"]),
      outcome: { kind: "answer", status: "done", stopReason: "end_turn", truncated: false },
      text: `{"custom_id":"x","result":{"type":"succeeded","message":{"role":"assistant","content":${content}}}}`,
    });
    await say(world, sessionId, { message: "Go on." });
    await world.batch();
    const sent = world.api.calls.findLast(({ method, url }) => method === "POST" && url === "/v1/messages/batches");
    expect(sent?.body).toContain(`{"role":"assistant","content":${content}}`);
  });

  it("has the model, system and parameters of the turn before, whatever the configuration says by now", async () => {
    const { world, sessionId } = await answered();
    const changed = world.configured({
      agents: { list: [{ id: "worker", cacheRetention: "none", system: "New.", model: "claude-sonnet-5-5" }] },
    });
    await say(changed, sessionId, { message: "Go on." });
    await world.batch();
    const [first, second] = requestsOf(world).map(({ params }) => ({ ...params, messages: undefined }));
    expect(second).toEqual(first);
  });

  it("goes where it asks to, else where the session went", async () => {
    const { world, sessionId } = await answered();
    expect((await say(world, sessionId, { message: "Now.", routing: "realtime" })).status).toBe(202);
    await world.workRealtime();
    expect(await world.see(sessionId)).toMatchObject({ status: "done", mode: "realtime", turn: 2 });
    await say(world, sessionId, { message: "Again." });
    expect(world.queues.bodies("realtime")).toHaveLength(1);
    await world.workRealtime();
    await say(world, sessionId, { message: "Later.", batch: true });
    expect(await read(world, `/api/sessions/${sessionId}`)).toMatchObject({
      status: "queued",
      routing: { mode: "batch", why: "batch, set by the request" },
    });
  });

  it("is never batched with zero data retention: asking for that is 400 with the field, and keeps nothing", async () => {
    const file = { agents: { list: [{ id: "worker", zeroDataRetention: true, cacheRetention: "none" }] } };
    const world = testWorld({ config: file });
    const sessionId = await world.accept();
    await world.ticks(2);
    const before = world.table.items();
    const refused = await say(world, sessionId, { message: "a", routing: "batch" });
    expect([refused.status, refused.body.error.param]).toEqual([400, "routing"]);
    expect(world.table.items()).toEqual(before);
    expect((await say(world, sessionId, { message: "a" })).status).toBe(202);
    expect(await world.see(sessionId)).toMatchObject({ mode: "realtime", zeroDataRetention: true });
  });

  it("has as much time as the first message had, counted anew; and a fallback of its own", async () => {
    const { world, sessionId } = await answered("Blue.", { timeoutSeconds: 7_200, onDeadline: "fallback" });
    world.pass(10_000);
    await say(world, sessionId, { message: "Go on." });
    const asked = world.clock.now();
    expect(await world.see(sessionId)).toMatchObject({ askedAt: asked, deadlineAt: asked + 7_200_000 });
    await world.ticks(3);
    world.pass(50_000);
    await say(world, sessionId, { message: "Go on." });
    expect(await world.see(sessionId)).toMatchObject({ deadlineAt: world.clock.now() + 7_200_000 });
  });

  it("waits with its lane where that is closed", async () => {
    const lane = { id: "night", hours: "01:00-02:00" };
    const file = { agents: { list: [{ id: "worker", cacheRetention: "none", lane: "night" }] }, lanes: [lane] };
    const world = testWorld({ config: file, ...fast });
    const sessionId = await world.accept("a", { routing: "realtime" });
    await world.ticks(2);
    await say(world, sessionId, { message: "b", routing: "batch" });
    const { notBefore } = await world.see(sessionId);
    expect(new Date(Number(notBefore)).toISOString()).toContain("T01:00:00");
    expect(world.queues.bodies("night")).toEqual([]);
  });

  it("counts its pauses anew", async () => {
    const world = testWorld(fast);
    const sessionId = await world.accept("[[stand-in: pause_turn 15]] Search.");
    await world.ticks(40);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn: 16 });
    await say(world, sessionId, { message: "[[stand-in: pause_turn 15]] Search again." });
    await world.ticks(40);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn: 32 });
    const { messages } = await read(world, `/api/sessions/${sessionId}/history`);
    expect(messages).toHaveLength(34);
  });

  it("leaves the late answer of the turn before what it was: booked, and of no effect", async () => {
    const world = testWorld({ batchSeconds: { min: 600, max: 600 } });
    const [sessionId, other] = [await world.accept("[[stand-in: answer Late.]]"), await world.accept("Other.")];
    await world.batch();
    await world.http(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
    await say(world, sessionId, { message: "[[stand-in: answer Now.]]", routing: "realtime" });
    await world.workRealtime();
    await world.ticks(20);
    expect(await world.see(other)).toMatchObject({ status: "done" });
    const shown = await read(world, `/api/sessions/${sessionId}`);
    expect(shown).toMatchObject({ status: "done", turn: 2 });
    const standings = shown.results.map(({ turn, standing }: Json) => [turn, standing]);
    expect(standings).toEqual([
      [1, "after-cancel"],
      [2, "winner"],
    ]);
    expect(shown.cost.wastedUsd).toBeGreaterThan(0);
    const { messages } = await read(world, `/api/sessions/${sessionId}/history`);
    expect(texts(messages)).toEqual([
      "user: [[stand-in: answer Late.]]",
      "user: [[stand-in: answer Now.]]",
      "assistant: Now.",
    ]);
  });
});

describe("a follow-up of a turn that ended otherwise", () => {
  it.each([
    ["canceled", "Write.", ["user: Write."]],
    ["failed", "[[stand-in: errored invalid_request_error]]", ["user: [[stand-in: errored invalid_request_error]]"]],
    ["failed by a refusal", "[[stand-in: refusal]]", []],
    ["failed by a tool", "[[stand-in: tool_use]]", ["user: [[stand-in: tool_use]]"]],
  ])("is sent with what the API takes: %s", async (how, task, before) => {
    const world = testWorld(fast);
    const sessionId = await world.accept(task);
    if (how === "canceled") await world.http(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
    await world.ticks(3);
    expect((await say(world, sessionId, { message: "Go on." })).status).toBe(202);
    await world.batch();
    expect(texts(sentLast(world))).toEqual([...before, "user: Go on."]);
    expect((await read(world, `/api/sessions/${sessionId}/history`)).messages[0].content).toBe(task);
  });

  it("is sent without an answer that has no content", async () => {
    const { world, sessionId } = await answered();
    const text = '{"custom_id":"x","result":{"type":"succeeded","message":{"content":[]}}}';
    const turns = { ...world.deps.turns, readBody: async () => text };
    await say(world, sessionId, { message: "Go on." });
    await world.batchWith({ turns });
    expect(texts(sentLast(world))).toEqual(["user: [[stand-in: answer Blue.]]", "user: Go on."]);
  });
});

describe("a follow-up that cannot be", () => {
  it("is 409 while a turn is under way, naming the status, and keeps nothing", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    for (const status of ["queued", "submitted"]) {
      const before = world.table.items();
      const answer = await say(world, sessionId, { message: "a" });
      expect([answer.status, answer.body.error.type]).toEqual([409, "conflict_error"]);
      expect(answer.body.error.message).toContain(status);
      expect(world.table.items()).toEqual(before);
      await world.batch();
    }
  });

  it("is 503 with retry-after while the bus does not take the end of the turn before, which is never lost", async () => {
    let isAway = true;
    const world = testWorld({ ...fast, isRefused: () => isAway });
    const sessionId = await world.accept();
    await world.ticks(3);
    const answer = await say(world, sessionId, { message: "a" });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "60"]);
    isAway = false;
    expect((await say(world, sessionId, { message: "a" })).status).toBe(202);
    expect(world.told(sessionId)).toMatchObject([{ id: `${sessionId}.1.completed` }]);
  });

  it.each([
    [{}, "message"],
    [{ message: "" }, "message"],
    [{ message: "a", task: "b" }, "task"],
    [{ message: "a", routing: "now" }, "routing"],
    [{ message: "a", batch: true, routing: "realtime" }, "batch"],
    ["message=a", "body"],
  ])("is 400 with the field: %j", async (body, param) => {
    const answer = await say(testWorld(), someId, body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  });

  it("is 413 over 256 KiB, 404 to an id of nobody, 405 by another method, 401 of a stranger", async () => {
    const world = testWorld();
    expect((await say(world, someId, { message: "x".repeat(256 * 1024) })).status).toBe(413);
    expect((await say(world, someId, { message: "a" })).status).toBe(404);
    const wrong = await world.http(`/api/sessions/${someId}/messages`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const stranger = await world.http(`/api/sessions/${someId}/messages`, { method: "POST", body: "{}" }, {});
    expect(stranger.status).toBe(401);
  });

  it("is 409 once a session has all the turns it may have", async () => {
    const { world, sessionId } = await answered();
    const key = { pk: `SESSION#${sessionId}`, sk: "META" };
    await world.table.update({ key, set: { turn: 9_900 }, when: [] });
    expect((await say(world, sessionId, { message: "a" })).body.error.message).toContain("9900 turns");
  });
});

describe("the same follow-up again", () => {
  it("is one turn with one key, whatever became of it meanwhile", async () => {
    const { world, sessionId } = await answered();
    const body = { message: "[[stand-in: pause_turn 1]] Go on." };
    for (let repeat = 0; repeat < 6; repeat += 1) {
      expect(await say(world, sessionId, body, "k")).toMatchObject({ status: 202, body: { sessionId, turn: 2 } });
      await world.ticks(1);
    }
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn: 3 });
    expect((await say(world, sessionId, body, "other")).body).toEqual({ sessionId, turn: 4 });
  });

  it("is 409 with another body", async () => {
    const { world, sessionId } = await answered();
    await say(world, sessionId, { message: "a" }, "k");
    const answer = await say(world, sessionId, { message: "b" }, "k");
    expect([answer.status, answer.body.error.param]).toEqual([409, "Idempotency-Key"]);
  });

  it("is two turns without a key, one after the other", async () => {
    const { world, sessionId } = await answered();
    expect((await say(world, sessionId, { message: "a" })).body.turn).toBe(2);
    expect((await say(world, sessionId, { message: "a" })).status).toBe(409);
    await world.ticks(3);
    expect((await say(world, sessionId, { message: "a" })).body.turn).toBe(3);
  });

  it("at the same time is one turn; with another body one of the two is refused", async () => {
    const { world, sessionId } = await answered();
    const twins = await Promise.all([1, 2, 3].map(() => say(world, sessionId, { message: "a" }, "k")));
    expect(twins.map(({ status, body }) => [status, body.turn])).toEqual([202, 202, 202].map((status) => [status, 2]));
    await world.ticks(3);
    const pair = await Promise.all(["b", "c"].map((message) => say(world, sessionId, { message }, "k2")));
    expect(sorted(pair)).toEqual([202, 409]);
  });

  it("crashing at any step, before or after it took hold, is finished by the call repeated with its key", async () => {
    const dry = await answered();
    const steps = dry.world.crashing({ at: () => false, when: "before" });
    await steps.process.run(() => say(steps, dry.sessionId, { message: "Go on." }, "k"));
    expect(steps.process.trace).toContain("table.update META queued");
    for (const index of steps.process.trace.keys()) {
      for (const when of ["before", "after"] as const) {
        const { world, sessionId } = await answered();
        const half = world.crashing({ at: (_what, no) => no === index + 1, when });
        expect(await half.process.run(() => say(half, sessionId, { message: "Go on." }, "k"))).toBe(true);
        const where = `${when} ${index} ${steps.process.trace[index]}`;
        expect(await say(world, sessionId, { message: "Go on." }, "k"), where).toMatchObject({
          status: 202,
          body: { turn: 2 },
        });
        await world.ticks(6);
        expect(await world.see(sessionId), where).toMatchObject({ status: "done", turn: 2, delivered: true });
        expect(requestsOf(world), where).toHaveLength(2);
      }
    }
  });
});

describe("of follow-ups that race", () => {
  it("one is the next turn, and the others are told that it is under way", async () => {
    const { world, sessionId } = await answered();
    const answers = await Promise.all(["a", "b", "c"].map((message) => say(world, sessionId, { message })));
    expect(sorted(answers)).toEqual([202, 409, 409]);
    const turn = answers.find(({ status }) => status === 202)?.body.turn;
    await world.ticks(3);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn });
    const { messages } = await read(world, `/api/sessions/${sessionId}/history`);
    expect(messages).toHaveLength(4);
  });

  it("none is mixed up with the request of one that died: its number is passed over, now and after a pause", async () => {
    const { world, sessionId } = await answered();
    for (const message of ["dead", "dead too"]) {
      const half = world.crashing({ at: (what) => what.startsWith("table.update META queued"), when: "before" });
      expect(await half.process.run(() => say(half, sessionId, { message }, message))).toBe(true);
    }
    expect((await say(world, sessionId, { message: "[[stand-in: pause_turn 1]] Alive." })).body.turn).toBe(4);
    // Whoever read the session before it went on leaves a request behind it.
    const request = (await world.deps.turns.getRequest(sessionId, 3))!;
    await world.deps.turns.insertRequest({ ...request, turn: 5 });
    await world.ticks(8);
    expect(await world.see(sessionId)).toMatchObject({ status: "done", turn: 6 });
    const { messages } = await read(world, `/api/sessions/${sessionId}/history`);
    expect(messages.map(({ role }: Json) => role)).toEqual(["user", "assistant", "user", "assistant", "assistant"]);
    expect(JSON.stringify(sentLast(world))).not.toContain("dead");
    const late = await say(world, sessionId, { message: "dead" }, "dead");
    expect(late).toMatchObject({ status: 202, body: { turn: 7 } });
    await world.batch();
    expect(texts(sentLast(world)).at(-1)).toBe("user: dead");
  });

  it("with the delivery of the turn before, it waits for that, and neither is lost", async () => {
    const world = testWorld(fast);
    const sessionId = await world.accept();
    await world.batch();
    world.pass(60);
    const half = world.crashing({ at: (what) => what.startsWith("events.put"), when: "before" });
    await half.process.run(() => half.poll());
    expect(await world.see(sessionId)).toMatchObject({ status: "done" });
    const [, answer] = await Promise.all([world.poll(), say(world, sessionId, { message: "a" })]);
    expect(answer.status).toBe(202);
    await world.ticks(4);
    expect(new Set(world.told(sessionId).map(({ id }) => id))).toEqual(
      new Set([1, 2].map((turn) => `${sessionId}.${turn}.completed`)),
    );
  });

  it("with a cancel, the session ends canceled once the turn is there, and the message is never sent", async () => {
    const { world, sessionId } = await answered();
    await say(world, sessionId, { message: "Go on." });
    const answer = await world.http(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
    expect(answer.status).toBe(200);
    await world.ticks(3);
    expect(await world.see(sessionId)).toMatchObject({ status: "canceled", turn: 2 });
    expect(requestsOf(world)).toHaveLength(1);
  });
});

describe("every way a turn can end", () => {
  it.each(terminalStatuses)("may be followed: %s", async (status) => {
    const world = testWorld();
    const sessionId = await world.accept();
    const key = { pk: `SESSION#${sessionId}`, sk: "META" };
    await world.table.update({ key, set: { status, delivered: true }, when: [] });
    expect(await say(world, sessionId, { message: "a" })).toMatchObject({ status: 202, body: { turn: 2 } });
    expect((await world.deps.turns.getRequest(sessionId, 2))?.request.previous).toEqual({ turn: 1, status });
  });
});
