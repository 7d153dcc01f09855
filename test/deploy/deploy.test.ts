import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Json } from "../flow/support.ts";
import { accountOf } from "./account.ts";
import { beyond, readLogs, takeInventory } from "./inventory.ts";
import { apiKey } from "./setup.ts";
import { stackIn } from "./stack.ts";
import { type User, until, userOf } from "./user.ts";

const { awsUrl, standInUrl, outputs, before } = inject("deployed");
const account = accountOf(awsUrl, outputs);
/** The emulator's other address of the API: not every machine finds a name below `localhost`. */
const apiId = new URL(outputs["ApiUrl"] ?? "").host.split(".")[0];
const apiUrl = `${awsUrl}/_aws/execute-api/${apiId}/$default`;

const task = "[[stand-in: answer All is well.]] How is it, in secret-words?";
const busDetail = { task: "Report on the event.", agentId: "worker", idempotencyKey: "report", label: "from the bus" };

/** A session of each kind, all begun at once, since a minute passes between two ticks. */
async function begin({ spawn }: User) {
  const [batched, realtime, slow] = await Promise.all([
    spawn({ task, agentId: "worker", label: "batched" }, { "idempotency-key": "once" }),
    spawn({ task: "Quick, please.", agentId: "live" }),
    spawn({ task: "[[stand-in: slow 600]] Wait.", agentId: "worker", lane: "bulk" }),
    account.putEvent(busDetail),
    account.putEvent(busDetail),
  ]);
  return { batched, realtime, slow };
}

describe("the deployed stack", () => {
  let user: User;
  let token: string;
  let listener: Awaited<ReturnType<typeof account.listen>>;
  let begun: Awaited<ReturnType<typeof begin>>;
  let made: Record<string, string[]>;
  let isListening = false;
  const stopListening = async () => {
    if (isListening) await listener.stop();
    isListening = false;
  };
  beforeAll(async () => {
    made = beyond(await takeInventory(awsUrl), before);
    await account.putApiKey(apiKey);
    token = await account.readToken();
    user = userOf(apiUrl, token);
    listener = await account.listen();
    isListening = true;
    begun = await begin(user);
  });
  afterAll(stopListening);

  it("is all there, of every kind that an account is asked for", () => {
    expect(Object.keys(made).toSorted()).toEqual(Object.keys(before).toSorted());
  });

  it("lets nobody in without the token", async () => {
    const { status, body } = await userOf(apiUrl, "not-the-token").ask("/api/sessions");
    expect([status, body.error.type]).toEqual([401, "authentication_error"]);
  });

  it("answers 202 again for the same Idempotency-Key, and is asked for the session at once", async () => {
    const again = await user.spawn({ task, agentId: "worker", label: "batched" }, { "idempotency-key": "once" });
    expect(again).toEqual(begun.batched);
    expect(await user.history(again.sessionId)).toMatchObject([{ role: "user", content: task }]);
  });

  it("refuses what is wrong with a body, and names the field", async () => {
    const { status, body } = await user.ask("/api/sessions/spawn", { body: { taskk: "?" } });
    expect([status, body.error.type]).toEqual([400, "invalid_request_error"]);
    expect(body.error.message).toContain("taskk: unknown key");
  });

  it("has room for another stage beside it, which leaves nothing at all when it is destroyed", async () => {
    const [dev, alone] = [stackIn(awsUrl, "dev"), await takeInventory(awsUrl)];
    await dev.synth(standInUrl);
    await dev.deploy();
    const { buckets = [], ...others } = beyond(await takeInventory(awsUrl), alone);
    expect(others).toMatchObject({ tables: [expect.any(String)], buses: ["offpeak-dev"] });
    await Promise.all(buckets.map(account.prepareDeletion));
    await dev.destroy();
    expect(beyond(await takeInventory(awsUrl), alone)).toEqual({});
  });

  it("answers a real-time session by its queue, at the standard price, and takes a follow-up", async () => {
    const { sessionId } = begun.realtime;
    const session = await user.delivered("the real-time answer", sessionId);
    expect(session).toMatchObject({ status: "done", turn: 1, cost: { savedUsd: 0, missing: 0 } });
    const { status } = await user.ask(`/api/sessions/${sessionId}/messages`, { body: { message: "And now?" } });
    expect(status).toBe(202);
    await until("the second answer", async () => (await user.history(sessionId)).length === 4);
  });

  it("spawns once for an event that was put on the bus twice", async () => {
    await until("the session of the event", async () => (await user.list("label=from%20the%20bus")).length > 0);
    const sessions = await user.list("label=from%20the%20bus");
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({ agentId: "worker", routing: { mode: "batch" } });
  });

  it("takes back a session in a batch, and cancels the batch at Anthropic", async () => {
    const { sessionId } = begun.slow;
    const read = async () => (await user.ask(`/api/sessions/${sessionId}`)).body;
    await until("the batch to be sent", async () => (await read()).status === "submitted");
    const { status, body } = await user.ask(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
    expect([status, body.status]).toEqual([200, "canceled"]);
    const { batches } = (await user.ask("/api/batches?lane=bulk")).body;
    const headers = { "x-api-key": apiKey, "anthropic-version": "2023-06-01" };
    await until("the batch to be canceled", async () => {
      const answer = await fetch(`${standInUrl}/v1/messages/batches/${batches[0].batchId}`, { headers });
      const batch: Json = await answer.json();
      return batch.cancel_initiated_at !== null;
    });
    expect((await read()).status).toBe("canceled");
  });

  it("answers a batched session at half the price, and pays once", async () => {
    const { sessionId } = begun.batched;
    const session = await user.delivered("the answer of the batch", sessionId);
    expect(session).toMatchObject({ status: "done", stopReason: "end_turn", cost: { wastedUsd: 0, missing: 0 } });
    expect(session.cost.totalUsd).toBeCloseTo(session.cost.realtimeUsd / 2, 12);
    expect(JSON.stringify((await user.history(sessionId))[1])).toContain("All is well.");
    const { bill }: Json = await (await fetch(`${standInUrl}/_stand-in/bill`)).json();
    expect(bill.filter(({ customId }: Json) => customId?.startsWith(sessionId))).toHaveLength(1);
  });

  it("fires a cron job by its rule, once a minute", async () => {
    const [last] = await until("the second run of the cron job", async () => {
      const sessions = await user.list("agentId=clock");
      return sessions.length >= 2 ? sessions : undefined;
    });
    expect(last.sessionKey).toMatch(/^agent:clock:cron:minutely:run:/);
    const minutes = (await user.list("agentId=clock")).map(({ createdAt }) => createdAt.slice(0, 16));
    expect(new Set(minutes).size).toBe(minutes.length);
  });

  it("puts the end of each turn on the bus, under the id of the turn", async () => {
    const ids = [begun.batched, begun.realtime, begun.slow].map(({ sessionId }) => `${sessionId}.1.completed`);
    const heard = await until("the events", async () => {
      const events = await listener.heard();
      return ids.every((id) => events.some(({ detail }) => detail.id === id)) ? events : undefined;
    });
    const ofBatched = heard.find(({ detail }) => detail.id === ids[0]);
    expect(ofBatched).toMatchObject({ source: "offpeak", "detail-type": "session.completed" });
    expect(ofBatched.detail).toMatchObject({ agentId: "worker", turn: 1, status: "done", stopReason: "end_turn" });
    expect(ofBatched.detail.links.history).toBe(`/api/sessions/${begun.batched.sessionId}/history`);
  });

  it("has failed at nothing: no dead letter, no failure in its logs, no task, answer, key or token either", async () => {
    const deadLetters = (made["queues"] ?? []).filter((url) => url.includes("DeadLetters"));
    expect(deadLetters.length).toBeGreaterThanOrEqual(4);
    expect(await Promise.all(deadLetters.map(account.depth))).toEqual(deadLetters.map(() => 0));
    const log = (await readLogs(awsUrl)).join("\n");
    expect(log).toContain("session_accepted");
    expect(log).not.toMatch(/"(tick_failed|request_failed)"/);
    for (const secret of ["secret-words", "All is well", apiKey, token]) expect(log).not.toContain(secret);
  });

  it("leaves nothing but its table and its bucket when it is destroyed", async () => {
    await stopListening();
    await stackIn(awsUrl, "prod").destroy();
    const left = beyond(await takeInventory(awsUrl), before);
    expect(left).toEqual({
      tables: [outputs["TableName"]],
      buckets: [expect.stringContaining("storagebodies")],
    });
  });
});
