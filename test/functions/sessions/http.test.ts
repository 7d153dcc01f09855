import { describe, expect, it } from "vitest";
import { noUsage } from "../../../functions/domain/usage.ts";
import { bytesOf } from "../../support/item-values.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const get = async (world: TestWorld, path: string, init?: RequestInit) => {
  const response = await world.http(path, init);
  const body: Json = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
};
const nobody = "01KAJ8Z3M4N5P6Q7R8S9T0V1W2";

describe("GET /api/sessions/{id}", () => {
  it("shows a session the moment it was accepted: what was agreed, and no cost yet", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Write.", { label: "nightly", timeoutSeconds: 7_200, metadata: { job: 7 } });
    const at = (seconds: number) => new Date(world.clock.now() + seconds * 1000).toISOString();
    const { status, body, headers } = await get(world, `/api/sessions/${sessionId}`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      sessionId,
      sessionKey: `agent:worker:dashboard:${sessionId.toLowerCase()}`,
      agentId: "worker",
      label: "nightly",
      model: "claude-haiku-5-5",
      status: "queued",
      turn: 1,
      routing: expect.objectContaining({ mode: "batch", onDeadline: "wait" }),
      createdAt: at(0),
      deadlineAt: at(7_200),
      expiresAt: "2027-03-22T03:00:00.000Z",
      usage: noUsage,
      delivery: { status: "not-due", id: `${sessionId}.1.completed` },
      metadata: { job: 7 },
      timeline: [{ at: at(0), status: "queued", turn: 1, attempt: 1, why: "accepted" }],
    });
  });

  it("shows a session that is done: its times, its tokens, its cost, and that the outside was told", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: answer All is well.]]");
    await world.ticks(14);
    const { body } = await get(world, `/api/sessions/${sessionId}`);
    expect(body).toMatchObject({ status: "done", stopReason: "end_turn", delivery: { status: "delivered" } });
    expect(body.usage.input).toBeGreaterThan(0);
    expect(body.usage.output).toBeGreaterThan(0);
    expect(body.cost).toMatchObject({ missing: 0 });
    expect(body.cost.realtimeUsd).toBeCloseTo(2 * body.cost.totalUsd, 12);
    expect(Date.parse(body.submittedAt)).toBe(Date.parse(body.createdAt));
    expect(Date.parse(body.endedAt) - Date.parse(body.createdAt)).toBeGreaterThanOrEqual(600_000);
    expect(body).not.toHaveProperty("error");
  });

  it("shows why a session failed, and keeps what the model said", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: refusal]]");
    await world.ticks(14);
    const { body } = await get(world, `/api/sessions/${sessionId}`);
    expect(body).toMatchObject({ status: "failed", stopReason: "refusal", error: { type: "refusal" } });
    expect(body.error.message).not.toBe("");
    expect(body.cost.totalUsd).toBeGreaterThan(0);
  });

  it("finds an id in lower case, as it stands in a key", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    expect((await get(world, `/api/sessions/${sessionId.toLowerCase()}`)).body).toMatchObject({ sessionId });
  });

  it.each([nobody, "x", "..", "%00", "a".repeat(300), `${nobody}_1`])(
    "answers 404 to an id of nobody: %s",
    async (id) => {
      const { status, body } = await get(testWorld(), `/api/sessions/${id}`);
      expect([status, body.error.type]).toEqual([404, "not_found_error"]);
    },
  );
});

describe("GET /api/sessions/{id}/history", () => {
  it("shows the task the moment it was accepted, verbatim", async () => {
    const world = testWorld();
    const task = `  Long: ${"🌙".repeat(20_000)}\n`;
    const sessionId = await world.accept(task);
    const { body } = await get(world, `/api/sessions/${sessionId}/history`);
    expect(body).toEqual({ sessionId, messages: [{ role: "user", content: task, at: expect.any(String) }] });
  });

  it("shows the answer in Anthropic's blocks, never cut", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: answer_bytes 600000]]");
    await world.ticks(14);
    const { body } = await get(world, `/api/sessions/${sessionId}/history`);
    expect(body.messages.map(({ role }: Json) => role)).toEqual(["user", "assistant"]);
    expect(body.messages[1].content[0].text).toHaveLength(600_000);
    expect(world.objects.keys()).toHaveLength(1);
  });

  it("shows a task that paused as one conversation", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: pause_turn 2]] Search.");
    await world.ticks(40);
    const { body } = await get(world, `/api/sessions/${sessionId}/history`);
    expect(body.messages.map(({ role }: Json) => role)).toEqual(["user", "assistant", "assistant", "assistant"]);
    const session = (await get(world, `/api/sessions/${sessionId}`)).body;
    expect(session).toMatchObject({ status: "done", turn: 3, cost: { missing: 0 } });
  });

  it("shows no answer that did not win", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: errored overloaded_error times 1]] Again.");
    await world.ticks(40);
    const { body } = await get(world, `/api/sessions/${sessionId}/history`);
    expect(body.messages).toHaveLength(2);
  });

  it("answers 404 to an id of nobody", async () => {
    expect((await get(testWorld(), `/api/sessions/${nobody}/history`)).status).toBe(404);
  });
});

describe("metadata", () => {
  it("is given back as it came, whatever its keys are", async () => {
    const world = testWorld();
    const text = '{"__proto__":{"a":1},"constructor":2,"prototype":3,"nested":{"__proto__":4}}';
    const body = `{"task":"t","metadata":${text}}`;
    const { sessionId }: Json = await (await world.http("/api/sessions/spawn", { method: "POST", body })).json();
    const shown = await (await world.http(`/api/sessions/${sessionId}`)).text();
    expect(shown).toContain(`"metadata":${text}`);
  });
});

describe("GET /api/sessions", () => {
  const filled = async (count: number, world = testWorld()) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      ids.unshift(
        await world.accept(`Task ${index}`, { agentId: index % 3 === 0 ? "live" : "worker", label: `l${index % 2}` }),
      );
      world.pass(index % 4 === 0 ? 0 : 1);
    }
    return { world, ids };
  };
  const walk = async (world: TestWorld, query: string) => {
    const seen: string[] = [];
    let cursor = "";
    let pages = 0;
    do {
      const { body } = await get(world, `/api/sessions?${query}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...body.sessions.map(({ sessionId }: Json) => sessionId));
      cursor = body.cursor ?? "";
      pages += 1;
    } while (cursor !== "" && pages < 100);
    return { seen, pages };
  };

  it("is empty without sessions, and has no cursor then", async () => {
    expect((await get(testWorld(), "/api/sessions")).body).toEqual({ sessions: [] });
  });

  it("says of each whether the outside was told", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    const deliveryNow = async () => (await get(world, "/api/sessions")).body.sessions[0].delivery;
    const id = `${sessionId}.1.completed`;
    expect(await deliveryNow()).toEqual({ status: "not-due", id });
    await world.deps.sessions.move("cancel", (await world.deps.sessions.get(sessionId))!, "canceled");
    expect(await deliveryNow()).toEqual({ status: "pending", id });
    world.pass(120);
    await world.poll();
    expect(await deliveryNow()).toEqual({ status: "delivered", id });
  });

  it("lists all of them, the newest first, without what takes long to know", async () => {
    const { world, ids } = await filled(12);
    const { body } = await get(world, "/api/sessions");
    expect(body.sessions.map(({ createdAt }: Json) => createdAt)).toEqual(
      body.sessions
        .map(({ createdAt }: Json) => createdAt)
        .toSorted()
        .toReversed(),
    );
    expect(body.sessions.map(({ sessionId }: Json) => sessionId)).toEqual(ids);
    expect(body.sessions[0]).toMatchObject({ status: "queued", routing: { lane: "default" } });
    expect(body.sessions[0]).not.toHaveProperty("cost");
  });

  it.each([1, 3, 11, 12, 13])("gives each once, page by page of %i, and ends", async (limit) => {
    const { world, ids } = await filled(12);
    const { seen, pages } = await walk(world, `limit=${limit}`);
    expect(seen).toEqual(ids);
    expect(pages).toBe(Math.ceil(12 / limit));
  });

  it("goes on where it was when others came in between", async () => {
    const { world, ids } = await filled(6);
    const first = (await get(world, "/api/sessions?limit=3")).body;
    await world.accept("Newer.");
    const rest = (await get(world, `/api/sessions?limit=10&cursor=${first.cursor}`)).body;
    expect(rest.sessions.map(({ sessionId }: Json) => sessionId)).toEqual(ids.slice(3));
  });

  it("keeps to an agent, a label and a status, and to all of them at once", async () => {
    const { world } = await filled(12);
    await world.ticks(14);
    const waiting = await world.accept("Later.", { label: "l1" });
    const count = async (query: string) => (await get(world, `/api/sessions?${query}`)).body.sessions.length;
    expect(await count("agentId=live")).toBe(4);
    expect(await count("agentId=worker")).toBe(9);
    expect(await count("label=l1")).toBe(7);
    expect(await count("agentId=live&label=l1")).toBe(2);
    expect(await count("status=done")).toBe(12);
    expect(await count("agentId=nobody")).toBe(0);
    const { body } = await get(world, "/api/sessions?status=queued&label=l1&agentId=worker");
    expect(body.sessions.map(({ sessionId }: Json) => sessionId)).toEqual([waiting]);
  });

  it("finds the one among hundreds, page by page", async () => {
    const world = testWorld();
    const wanted = await world.accept("First.", { agentId: "live" });
    await world.workRealtime();
    for (let index = 0; index < 450; index += 1) await world.accept(`Task ${index}`);
    expect((await walk(world, "status=done")).seen).toEqual([wanted]);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=1.5", "limit"],
    ["limit=", "limit"],
    ["limit=ten", "limit"],
    ["status=finished", "status"],
    ["cursor=x", "cursor"],
    [`cursor=${Buffer.from("2026").toString("base64url")}`, "cursor"],
    ["agent=worker", "agent"],
    ["agentId=worker&page=2", "page"],
  ])("answers 400 with the field: %s", async (query, param) => {
    const { status, body } = await get(testWorld(), `/api/sessions?${query}`);
    expect([status, body.error.type, body.error.param]).toEqual([400, "invalid_request_error", param]);
  });
});

describe("a route without parameters", () => {
  it.each(["/api/lanes", `/api/sessions/${nobody}`, `/api/sessions/${nobody}/history`])(
    "answers 400 to one, by name: %s",
    async (path) => {
      const { status, body } = await get(testWorld(), `${path}?cursor=1`);
      expect([status, body.error.param]).toEqual([400, "cursor"]);
    },
  );
});

describe("every other request", () => {
  it.each(["/", "/api", "/api/session", `/api/sessions/${nobody}/message`, "/favicon.ico"])(
    "answers 404: %s",
    async (path) => {
      expect(await get(testWorld(), path)).toMatchObject({ status: 404, body: { error: { type: "not_found_error" } } });
    },
  );

  it("asks who is there first", async () => {
    for (const path of ["/api/sessions", `/api/sessions/${nobody}`, "/nowhere"]) {
      const response = await testWorld().http(path, {}, { refusal: "unauthorized" });
      expect([path, response.status]).toEqual([path, 401]);
    }
  });

  it("answers 500 without a word of the cause where the table is away", async () => {
    const response = await testWorld().broken("/api/sessions");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("away");
  });
});

describe("the timeline of a session", () => {
  const timelineOf = async (world: TestWorld, sessionId: string): Promise<Json[]> =>
    (await get(world, `/api/sessions/${sessionId}`)).body.timeline;

  it("goes from its acceptance to its delivery, each move with its time and its reason", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    world.pass(5);
    await world.batch();
    const { manifestId } = await world.see(sessionId);
    await world.ticks(14);
    const timeline = await timelineOf(world, sessionId);
    expect(timeline).toMatchObject([
      { status: "queued", turn: 1, attempt: 1, why: "accepted" },
      { status: "submitted", turn: 1, attempt: 1, why: `in manifest ${String(manifestId)}` },
      { status: "done", turn: 1, attempt: 1, why: "end_turn" },
      { status: "delivered", turn: 1 },
    ]);
    const times = timeline.map(({ at }) => Date.parse(at));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(5_000);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  });

  it("tells why it was tried again, and which attempt each entry is of", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: errored overloaded_error times 1]]");
    await world.ticks(40);
    const timeline = await timelineOf(world, sessionId);
    expect(timeline.map(({ status, attempt, why }) => [status, attempt, why])).toMatchObject([
      ["queued", 1, "accepted"],
      ["submitted", 1, expect.stringMatching("in manifest")],
      ["queued", 2, "overloaded_error"],
      ["submitted", 2, expect.stringMatching("in manifest")],
      ["done", 2, "end_turn"],
      ["delivered", undefined, undefined],
    ]);
  });

  it("tells that a deadline made it go real-time", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Soon.", { timeoutSeconds: 300, onDeadline: "fallback" });
    await world.ticks(6);
    const whys = (await timelineOf(world, sessionId)).map(({ why }) => why);
    expect(whys).toContain("real-time call, since its deadline is near");
  });

  it("costs a usual session some hundred bytes of its small item, which stays under 1 KB", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Usual.", { label: "nightly-report", timeoutSeconds: 7_200 });
    await world.ticks(14);
    const { timeline, ...rest } = await world.see(sessionId);
    expect(rest).toMatchObject({ status: "done", delivered: true });
    expect(bytesOf({ timeline })).toBeLessThan(150);
    expect(bytesOf({ timeline, ...rest })).toBeLessThan(1_024);
  });
});
