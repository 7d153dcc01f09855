import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bill, call, delivered, type RunningSystem, spawnSession, start, temporaryHome, waitFor } from "./support.ts";

describe("the main job, through the front door", () => {
  const { home, remove } = temporaryHome();
  let system: RunningSystem;
  beforeAll(async () => {
    system = await start(home);
  });
  afterAll(async () => {
    await system.stop();
    remove();
  });

  it("answers 202 with the trade that was made, and the task is readable at once", async () => {
    const { status, body } = await call(system.url, "/api/sessions/spawn", {
      body: { task: "Report, please.", agentId: "worker" },
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      status: "accepted",
      sessionKey: `agent:worker:dashboard:${body.sessionId.toLowerCase()}`,
      routing: { mode: "batch", lane: "default", priceMultiplier: 0.5, zeroDataRetention: false, onDeadline: "wait" },
    });
    expect(body.routing.expectedCompletion.typicalSeconds).toBeGreaterThan(0);
    const history = await call(system.url, `/api/sessions/${body.sessionId}/history`);
    expect(history.body.messages).toEqual([{ role: "user", content: "Report, please.", at: expect.any(String) }]);
  });

  it("delivers a batched session once, with its answer, its tokens and half the price", async () => {
    const { sessionId } = await spawnSession(system.url, {
      task: "[[stand-in: answer All is well.]] How is it?",
      agentId: "worker",
      label: "nightly",
    });
    const session = await delivered(system.url, sessionId);
    expect(session).toMatchObject({
      status: "done",
      stopReason: "end_turn",
      label: "nightly",
      model: "claude-haiku-5-5",
    });
    expect(session.usage.output).toBeGreaterThan(0);
    expect(session.cost.totalUsd).toBeCloseTo(session.cost.realtimeUsd / 2, 12);
    expect(session.cost).toMatchObject({ wastedUsd: 0, missing: 0 });
    expect(session.delivery).toMatchObject({ status: "delivered", id: `${sessionId}.1.completed` });
    const { body } = await call(system.url, `/api/sessions/${sessionId}/history`);
    expect(body.messages).toHaveLength(2);
    expect(JSON.stringify(body.messages[1])).toContain("All is well.");
    const lines = (await bill(system)).filter(({ customId }) => customId?.startsWith(sessionId));
    expect(lines).toHaveLength(1);
  });

  it("answers a real-time session without waiting for a batch, at the standard price", async () => {
    const { sessionId, routing } = await spawnSession(system.url, { task: "Quick, please.", agentId: "live" });
    expect(routing).toMatchObject({ mode: "realtime", priceMultiplier: 1 });
    const session = await delivered(system.url, sessionId);
    expect(session.status).toBe("done");
    expect(session.cost.savedUsd).toBe(0);
  });

  it("shows a refusal, a cut answer and a request in error for what they are", async () => {
    const spawned = await Promise.all(
      ["refusal", "max_tokens", "errored invalid_request_error"].map((directive) =>
        spawnSession(system.url, { task: `[[stand-in: ${directive}]] Go.`, agentId: "worker" }),
      ),
    );
    const [refusal, cut, wrong] = await Promise.all(spawned.map(({ sessionId }) => delivered(system.url, sessionId)));
    expect(refusal).toMatchObject({ status: "failed", stopReason: "refusal", error: { type: "refusal" } });
    expect(cut).toMatchObject({ status: "done", truncated: true, stopReason: "max_tokens" });
    expect(wrong).toMatchObject({ status: "failed", error: { type: "invalid_request_error" } });
  });

  it("goes on where a turn paused, and keeps the whole conversation", async () => {
    const { sessionId } = await spawnSession(system.url, {
      task: "[[stand-in: pause_turn 2]] Search.",
      agentId: "worker",
    });
    const session = await delivered(system.url, sessionId);
    expect(session).toMatchObject({ status: "done", turn: 3 });
    const { body } = await call(system.url, `/api/sessions/${sessionId}/history`);
    expect(body.messages.map(({ role }: { role: string }) => role)).toEqual([
      "user",
      "assistant",
      "assistant",
      "assistant",
    ]);
  });

  it("takes a follow-up as a new turn, once for one Idempotency-Key, and answers in the same conversation", async () => {
    const { sessionId } = await spawnSession(system.url, { task: "[[stand-in: answer Blue.]]", agentId: "worker" });
    await delivered(system.url, sessionId);
    const say = () =>
      call(system.url, `/api/sessions/${sessionId}/messages`, {
        body: { message: "[[stand-in: answer Green.]] And now?" },
        headers: { "idempotency-key": "and now" },
      });
    for (const { status, body } of [await say(), await say()])
      expect([status, body]).toEqual([202, { sessionId, turn: 2 }]);
    const session = await delivered(system.url, sessionId);
    expect(session).toMatchObject({ status: "done", turn: 2, delivery: { id: `${sessionId}.2.completed` } });
    const { body } = await call(system.url, `/api/sessions/${sessionId}/history`);
    expect(JSON.stringify(body.messages)).toMatch(/Blue\..*And now.*Green\./);
    expect((await bill(system)).filter(({ customId }) => customId?.startsWith(sessionId))).toHaveLength(2);
  });

  it("takes a session back, and cancels the batch that nobody waits for", async () => {
    const { sessionId } = await spawnSession(system.url, { task: "[[stand-in: slow 600]] Wait.", label: "taken back" });
    await waitFor(async () => (await call(system.url, `/api/sessions/${sessionId}`)).body.status === "submitted");
    const { status, body } = await call(system.url, `/api/sessions/${sessionId}/cancel`, { method: "POST" });
    expect([status, body.status]).toEqual([200, "canceled"]);
    await waitFor(() => readFileSync(join(home, "offpeak.log"), "utf8").includes("batch_canceled"));
    const all = await call(system.url, "/api/sessions/cancel", { body: { label: "taken back" } });
    expect(all.body).toEqual({ canceled: 0, alreadyEnded: 1 });
  });

  it("spawns once for one Idempotency-Key, and says so when the body differs", async () => {
    const first = await spawnSession(system.url, { task: "Once." }, "the-key");
    const again = await spawnSession(system.url, { task: "Once." }, "the-key");
    expect(again).toEqual(first);
    const other = await call(system.url, "/api/sessions/spawn", {
      body: { task: "Twice." },
      headers: { "idempotency-key": "the-key" },
    });
    expect(other).toMatchObject({ status: 409, body: { error: { type: "conflict_error" } } });
  });

  it("lists the newest first, page by page, by agent, label and status", async () => {
    const label = "listed";
    const ids: string[] = [];
    for (const task of ["one", "two", "three"])
      ids.push((await spawnSession(system.url, { task, agentId: "digest", label })).sessionId);
    const first = await call(system.url, `/api/sessions?label=${label}&limit=2`);
    const second = await call(system.url, `/api/sessions?label=${label}&limit=2&cursor=${first.body.cursor}`);
    const listed = [...first.body.sessions, ...second.body.sessions].map(({ sessionId }) => sessionId);
    expect(listed).toEqual(ids.toReversed());
    expect(second.body.cursor).toBeUndefined();
    await Promise.all(ids.map((id) => delivered(system.url, id)));
    const done = await call(system.url, "/api/sessions?agentId=digest&status=done");
    expect(done.body.sessions).toHaveLength(3);
  });

  it("logs neither a task nor an answer nor a token", () => {
    const log = readFileSync(join(home, "offpeak.log"), "utf8");
    expect(log).toContain("session_accepted");
    for (const secret of ["Report, please", "All is well", "a-token-for-the-tests", "sk-ant"])
      expect(log).not.toContain(secret);
  });
});
