import { describe, expect, it } from "vitest";
import { bulkSpawnSeconds, maxBulkBytes, maxBulkTasks, maxRequestBytes } from "../../../functions/domain/limits.ts";
import { seededRandom } from "../../support/chance.ts";
import { testWorld } from "../../support/world.ts";

type Answer = { status: string; sessionId: string; httpStatus?: number; error?: { type: string; param?: string } };
interface Bulk {
  accepted: number;
  rejected: number;
  results: Answer[];
}

function bulk(world = testWorld()) {
  const ask = async (body: string, key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
    const response = await world.http("/api/sessions/spawn/bulk", { method: "POST", body, headers });
    return { status: response.status, text: await response.text() };
  };
  const send = async (body: string, key?: string): Promise<Bulk> => {
    const { status, text } = await ask(body, key);
    expect(status).toBe(202);
    return JSON.parse(text);
  };
  const sessionsIn = () => world.table.items().filter(({ sk }) => sk === "META").length;
  return { world, ask, send, sessionsIn };
}

/** What does not compress. */
const noise = (bytes: number, seed: number) => {
  const random = seededRandom(seed + 1);
  return Array.from({ length: bytes }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
};
const tasks = (count: number) => Array.from({ length: count }, (_, index) => ({ task: `Task ${index}.` }));

describe("POST /api/sessions/spawn/bulk", () => {
  it("answers each task in its place, as a call of its own would have been", async () => {
    const { send, world } = bulk();
    const { accepted, rejected, results } = await send(
      JSON.stringify([{ task: "One." }, { task: "" }, { task: "Three.", agentId: "live" }, "no object", null]),
    );
    expect([accepted, rejected]).toEqual([2, 3]);
    expect(results[0]).toMatchObject({ status: "accepted", routing: { mode: "batch" } });
    expect(results[1]).toMatchObject({ status: "rejected", httpStatus: 400, error: { param: "task" } });
    expect(results[2]).toMatchObject({ status: "accepted", routing: { mode: "realtime" } });
    expect(results[3]).toMatchObject({ status: "rejected", httpStatus: 400 });
    expect(results[4]).toMatchObject({ status: "rejected", httpStatus: 400 });
    expect(await world.see(results[0]?.sessionId ?? "")).toMatchObject({ status: "queued" });
  });

  it("takes JSON lines as well, and refuses a line that is not JSON alone", async () => {
    const { send } = bulk();
    const { results } = await send('{"task": "One."}\r\n\n{"task": \n{"task": "Three."}\n');
    expect(results.map(({ status }) => status)).toEqual(["accepted", "rejected", "accepted"]);
  });

  it("takes 1,000 tasks with ten messages a call, and all of them go into batches", async () => {
    const { send, world } = bulk();
    let calls = 0;
    const queues = { ...world.deps.queues, send: world.deps.queues.send };
    world.deps.queues.send = async (queue, messages) => {
      calls += 1;
      expect(messages.length).toBe(10);
      await queues.send(queue, messages);
    };
    const { accepted } = await send(JSON.stringify(tasks(maxBulkTasks)));
    expect(accepted).toBe(1_000);
    expect(calls).toBe(100);
    await world.batch();
    expect(world.table.items().filter(({ sk, status }) => sk === "META" && status === "submitted")).toHaveLength(1_000);
  });

  it("is the same sessions when repeated with its key, whatever was lost of the first call", async () => {
    const world = testWorld();
    const { send, sessionsIn } = bulk(world);
    const body = JSON.stringify([...tasks(30), { task: "Its own.", idempotencyKey: "own" }]);
    const first = await send(body, "night-1");
    const again = await send(body, "night-1");
    expect(again.results.map(({ sessionId }) => sessionId)).toEqual(first.results.map(({ sessionId }) => sessionId));
    expect(sessionsIn()).toBe(31);
    const own = await send(JSON.stringify([{ task: "Its own.", idempotencyKey: "own" }]));
    expect(own.results[0]?.sessionId).toBe(first.results[30]?.sessionId);
  });

  it("refuses a task whose key was used with another, and no other", async () => {
    const { send } = bulk();
    await send('{"task": "One."}\n{"task": "Two."}', "night-1");
    const { results } = await send('{"task": "One."}\n{"task": "Changed."}', "night-1");
    expect(results.map(({ httpStatus }) => httpStatus)).toEqual([undefined, 409]);
  });

  it("makes one session of a key that comes twice in one call", async () => {
    const { send, sessionsIn } = bulk();
    const twin = { task: "Once.", idempotencyKey: "twin" };
    const { results } = await send(JSON.stringify([twin, twin]));
    expect(results[0]?.sessionId).toBe(results[1]?.sessionId);
    expect(sessionsIn()).toBe(1);
  });

  it.each([
    ["neither", "[{]", 400],
    ["an object over many lines", '{\n"task"\n', 202],
    ["empty", " \n", 400],
    ["an empty array", "[]", 400],
    ["too many tasks", JSON.stringify(tasks(maxBulkTasks + 1)), 400],
    ["too large", " ".repeat(maxBulkBytes + 1), 413],
  ])("judges a body that is %s", async (_what, body, status) => {
    expect((await bulk().ask(body)).status).toBe(status);
  });

  it("refuses a task that is too large for a call of its own, and no other", async () => {
    const { send } = bulk();
    const { results } = await send(JSON.stringify([{ task: "x".repeat(maxRequestBytes) }, { task: "Small." }]));
    expect(results.map(({ httpStatus }) => httpStatus)).toEqual([413, undefined]);
  });

  it("answers for every task before its time is up, however slow the table is", async () => {
    const world = testWorld();
    const { turns } = world.deps;
    const insertRequest = turns.insertRequest;
    turns.insertRequest = async (entry) => {
      world.pass(bulkSpawnSeconds / 100);
      return insertRequest(entry);
    };
    const { accepted, rejected, results } = await bulk(world).send(JSON.stringify(tasks(500)), "slow");
    expect(accepted + rejected).toBe(500);
    expect(accepted).toBeGreaterThanOrEqual(100);
    expect(accepted).toBeLessThan(200);
    expect(results.at(-1)).toMatchObject({ status: "rejected", httpStatus: 503 });
  });

  it("keeps the requests of a hundred tasks in one object, and each is sent as it was said", async () => {
    const world = testWorld();
    const long = Array.from({ length: 150 }, (_, index) => ({ task: `Task ${index}: ${noise(400, index)}` }));
    const { results } = await bulk(world).send(JSON.stringify(long), "night-1");
    expect(world.objects.keys().filter((key) => key.includes("/requests/"))).toHaveLength(2);
    await world.ticks(13);
    for (const [index, { sessionId }] of results.entries()) {
      const answer = await world.http(`/api/sessions/${sessionId}/history`);
      const { messages }: { messages: { content: string }[] } = JSON.parse(await answer.text());
      expect(messages[0]?.content).toBe(long[index]?.task);
      expect(messages).toHaveLength(2);
    }
    await bulk(world).send(JSON.stringify(long), "night-1");
    expect(world.objects.keys().filter((key) => key.includes("/requests/"))).toHaveLength(2);
  });

  it("needs no bucket: where that is away, each request lies in its item", async () => {
    const world = testWorld();
    const { turns } = world.deps;
    turns.packRequests = () => Promise.reject(new Error("ServiceUnavailable"));
    const long = Array.from({ length: 50 }, (_, index) => ({ task: `Task ${index}: ${noise(400, index)}` }));
    expect((await bulk(world).send(JSON.stringify(long))).accepted).toBe(50);
    await world.batch();
    expect(world.table.items().filter(({ sk, status }) => sk === "META" && status === "submitted")).toHaveLength(50);
  });

  it("keeps what it accepted where the queue is away: rescue sends it", async () => {
    const world = testWorld();
    const { send } = bulk(world);
    const queueSend = world.deps.queues.send;
    world.deps.queues.send = () => Promise.reject(new Error("away"));
    expect((await send(JSON.stringify(tasks(25)))).accepted).toBe(25);
    world.deps.queues.send = queueSend;
    await world.ticks(5);
    expect(world.table.items().filter(({ sk, status }) => sk === "META" && status === "queued")).toHaveLength(0);
  });

  it("tells of a task that the table did not take, and keeps the others", async () => {
    const world = testWorld();
    const { turns } = world.deps;
    const insertRequest = turns.insertRequest;
    turns.insertRequest = (entry) =>
      entry.hash.startsWith("0") ? Promise.reject(new Error("the table is away")) : insertRequest(entry);
    const { accepted, rejected, results } = await bulk(world).send(JSON.stringify(tasks(100)));
    expect(accepted).toBeGreaterThan(0);
    expect(rejected).toBeGreaterThan(0);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({ httpStatus: 500 });
  });

  it("takes nothing but POST", async () => {
    const response = await testWorld().http("/api/sessions/spawn/bulk");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });
});
