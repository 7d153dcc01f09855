import { describe, expect, it } from "vitest";
import { committed } from "../../../functions/domain/budget.ts";
import { priceOf } from "../../support/money.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

const configured = (budget: object, more: object = {}, lane: object = {}) => ({
  agents: {
    list: [
      { id: "worker", cacheRetention: "none", maxTokens: 1_000, model: "claude-haiku-4-5", budget, ...more },
      { id: "free", cacheRetention: "none" },
    ],
  },
  lanes: [{ id: "default", ...lane }],
});
/** A task of few bytes may cost 1,000 output tokens and some hundred of input: about a quarter of a cent in a batch. */
const world = (budget: object, more: object = {}, lane: object = {}) =>
  testWorld({ config: configured(budget, more, lane) });
const spawn = async (of: Pick<TestWorld, "http">, more: object = {}, headers: Record<string, string> = {}) => {
  const init = { method: "POST", headers, body: JSON.stringify({ task: "Write.", ...more }) };
  const response = await of.http("/api/sessions/spawn", init);
  const body: Json = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
};
const today = (of: TestWorld) => new Date(of.clock.now()).toISOString().slice(0, 10);
const purse = (of: TestWorld, name = "agent#worker", day = today(of)) => of.deps.purses.read(name, day);
const outstanding = (of: TestWorld) => {
  const items = of.table.items().filter(({ pk }) => pk.startsWith("BUDGET#"));
  return items.reduce((sum, { reserved = 0, released = 0 }) => sum + Number(reserved) - Number(released), 0);
};
const nanoBill = (of: TestWorld) =>
  of.api.model.bill().reduce((sum, line) => sum + Number((priceOf(line) + 999n) / 1_000n), 0);

describe("a budget that rejects", () => {
  it("answers 402 with the figures, once there is no room for what the task may cost", async () => {
    const it = world({ usdPerDay: 0.004 });
    expect((await spawn(it)).status).toBe(202);
    const { status, body, headers } = await spawn(it);
    expect(status).toBe(402);
    const { reserved } = await purse(it);
    expect(body.error).toMatchObject({ type: "billing_error", param: "budget" });
    expect(body.error.figures).toEqual({
      purse: "agent#worker",
      usdPerDay: 0.004,
      onExceeded: "reject",
      spentUsd: 0,
      reservedUsd: reserved / 1e9,
      estimateUsd: reserved / 1e9,
    });
    expect(body.error.message).toContain('agent "worker" may spend $0.004 a day');
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("leaves nothing behind of what it refused: the key may be used with another body", async () => {
    const it = world({ usdPerTask: 0.001 });
    expect((await spawn(it, {}, { "idempotency-key": "one" })).status).toBe(402);
    expect(it.table.items()).toEqual([]);
    expect((await spawn(it, { agentId: "free" }, { "idempotency-key": "one" })).status).toBe(202);
  });

  it("has room again once the real cost is known, and none of it stays reserved", async () => {
    const it = world({ usdPerDay: 0.004 });
    await spawn(it);
    await it.ticks(40);
    expect(outstanding(it)).toBe(0);
    expect((await purse(it)).spent).toBe(nanoBill(it));
    expect(nanoBill(it)).toBeGreaterThan(0);
    expect((await spawn(it)).status).toBe(202);
  });

  it("knows a repeat, though there is no room for another", async () => {
    const it = world({ usdPerDay: 0.004 });
    const first = await spawn(it, {}, { "idempotency-key": "one" });
    const again = await spawn(it, {}, { "idempotency-key": "one" });
    expect([again.status, again.body]).toEqual([202, first.body]);
    expect((await purse(it)).reserved).toBe(Number((await it.see(first.body.sessionId))["reserved"]));
  });

  it("refuses a model without a price, since it could not be kept", async () => {
    const { status, body } = await spawn(world({ usdPerDay: 100 }), { model: "claude-next" });
    expect([status, body.error.message]).toEqual([402, expect.stringContaining("no price for model claude-next")]);
  });

  it("has a new day at midnight, UTC", async () => {
    const it = world({ usdPerDay: 0.004 });
    await spawn(it);
    it.pass(24 * 3_600);
    expect((await spawn(it)).status).toBe(202);
  });

  it("is never passed by many at once", async () => {
    const it = world({ usdPerDay: 0.01 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => spawn(it)));
    const accepted = answers.filter(({ status }) => status === 202).length;
    expect(accepted).toBe(3);
    expect(committed(await purse(it))).toBeLessThanOrEqual(10_000_000);
  });
});

describe("a budget that holds", () => {
  it("lets a task wait for the next day with room, and sends it then", async () => {
    const it = world({ usdPerDay: 0.004, onExceeded: "hold" });
    const ids = [];
    for (let count = 0; count < 3; count += 1) ids.push((await spawn(it)).body.sessionId);
    const midnight = (Math.floor(it.clock.now() / 86_400_000) + 1) * 86_400_000;
    const sessions = await Promise.all(ids.map((id) => it.see(id)));
    expect(sessions.map(({ notBefore }) => notBefore)).toEqual([0, midnight, midnight + 86_400_000]);
    expect(it.codes()).toContain("budget_exceeded");
    await it.ticks(60);
    expect((await it.see(ids[1]))["status"]).toBe("queued");
    it.pass((midnight - it.clock.now()) / 1000);
    await it.ticks(40);
    expect((await it.see(ids[1]))["status"]).toBe("done");
    expect((await it.see(ids[2]))["status"]).toBe("queued");
  });

  it("refuses what no day has room for", async () => {
    const it = world({ usdPerDay: 0.001, onExceeded: "hold" });
    const { status, body } = await spawn(it);
    expect([status, body.error.message]).toEqual([402, expect.stringContaining("may spend $0.001 on one")]);
  });
});

describe("a budget that warns", () => {
  it("accepts the task, and says so in the log", async () => {
    const it = world({ usdPerDay: 0.004, usdPerTask: 0.001, onExceeded: "warn" });
    await spawn(it);
    await spawn(it);
    expect(it.logs.filter(({ code }) => code === "budget_exceeded")).toHaveLength(2);
    expect((await spawn(it, { model: "claude-next" })).status).toBe(202);
  });
});

describe("GET /api/budgets", () => {
  it("shows what is spent and reserved today, of agents and lanes", async () => {
    const it = world({ usdPerDay: 1 }, {}, { budget: { usdPerTask: 0.5, onExceeded: "warn" } });
    await spawn(it);
    const response = await it.http("/api/budgets");
    const reservedUsd = (await purse(it)).reserved / 1e9;
    expect(JSON.parse(await response.text())).toEqual({
      day: today(it),
      budgets: [
        { purse: "agent#worker", usdPerDay: 1, onExceeded: "reject", spentUsd: 0, reservedUsd },
        { purse: "lane#default", usdPerTask: 0.5, onExceeded: "warn", spentUsd: 0, reservedUsd },
      ],
    });
    expect((await it.http("/api/budgets", { method: "POST" })).status).toBe(405);
  });
});

describe("a budget of a lane", () => {
  it("is kept beside the agent's", async () => {
    const it = world({ usdPerDay: 100 }, {}, { budget: { usdPerDay: 0.004 } });
    await spawn(it);
    const { status, body } = await spawn(it);
    expect([status, body.error.figures.purse]).toEqual([402, "lane#default"]);
    expect((await purse(it)).reserved).toBe((await purse(it, "lane#default")).reserved);
  });
});

describe("what is reserved", () => {
  const scripts: [string, (of: TestWorld) => Promise<unknown>][] = [
    ["done", (of) => spawn(of)],
    ["failed for good", (of) => spawn(of, { task: "[[stand-in: errored invalid_request_error]]" })],
    ["answered after a pause", (of) => spawn(of, { task: "[[stand-in: pause_turn 1]]" })],
    ["timed out", (of) => spawn(of, { task: "[[stand-in: slow 3000]]", timeoutSeconds: 300, onDeadline: "fail" })],
    [
      "answered by a fallback, and by its batch",
      (of) => spawn(of, { task: "[[stand-in: slow 1800]]", timeoutSeconds: 1_700, onDeadline: "fallback" }),
    ],
    ["real-time", (of) => spawn(of, { routing: "realtime" })],
    [
      "canceled while it was under way",
      async (of) => {
        const { body } = await spawn(of);
        await of.batch();
        await of.http(`/api/sessions/${body.sessionId}/cancel`, { method: "POST" });
      },
    ],
    [
      "followed up",
      async (of) => {
        const { body } = await spawn(of);
        await of.ticks(30);
        const follow = { method: "POST", body: JSON.stringify({ message: "And?" }) };
        expect((await of.http(`/api/sessions/${body.sessionId}/messages`, follow)).status).toBe(202);
        expect(outstanding(of)).toBeGreaterThan(0);
      },
    ],
  ];

  it.each(scripts)("for a task that is %s is released, and what it cost is spent", async (_, script) => {
    const it = world({ usdPerDay: 10 });
    await script(it);
    await it.ticks(80);
    expect(outstanding(it)).toBe(0);
    expect((await purse(it)).spent).toBe(nanoBill(it));
  });

  it("for real-time calls of which nobody knows what came is spent, since they may have been paid", async () => {
    const it = world({ usdPerDay: 10 });
    it.api.faults.set({ on: "message", kind: "lost_response", times: 9 });
    await spawn(it, { routing: "realtime" });
    const { reserved } = await purse(it);
    await it.ticks(40);
    expect(outstanding(it)).toBe(0);
    expect((await purse(it)).spent).toBe(reserved);
  });

  it("is refused to a follow-up for which there is no room", async () => {
    const it = world({ usdPerDay: 0.004 });
    const { body } = await spawn(it);
    await it.ticks(40);
    await spawn(it);
    const follow = { method: "POST", body: JSON.stringify({ message: "And?" }) };
    expect((await it.http(`/api/sessions/${body.sessionId}/messages`, follow)).status).toBe(402);
    expect((await it.see(body.sessionId))["status"]).toBe("done");
  });

  it("costs a task without a budget no write and no read", async () => {
    const without = testWorld();
    const watched = without.crashing({ at: () => false, when: "before" });
    await watched.process.run(() => spawn(watched));
    const { trace } = watched.process;
    const writes = trace.filter((what) => /^table\.(insert|put|update|transact)/.test(what));
    expect(writes).toEqual(["table.insert REQUEST queued", "table.insert META queued"]);
    expect(trace.filter((what) => what.startsWith("table.get"))).toEqual([]);
    await without.ticks(40);
    expect(without.table.items().filter(({ pk }) => pk.startsWith("BUDGET#"))).toEqual([]);
  });
});

describe("a process that dies at any one call", () => {
  /** Until nothing is open or due. */
  const toRest = async (of: TestWorld) => {
    const isOpen = () => of.table.items().some(({ pk, due }) => pk === "OPEN" || due !== undefined);
    for (let ticks = 0; ticks < 45 && isOpen(); ticks += 1) await of.ticks();
  };

  const script = async (of: ReturnType<TestWorld["crashing"]>) => {
    await spawn(of, {}, { "idempotency-key": "one" });
    await spawn(of, { routing: "realtime" }, { "idempotency-key": "two" });
    await of.batch();
    await of.workRealtime();
    for (let tick = 0; tick < 12; tick += 1) {
      await of.poll();
      of.deps.clock.pass(60);
    }
  };

  it.each(["before", "after"] as const)(
    "%s it took hold, leaves nothing reserved and nothing spent twice",
    async (when) => {
      const all = world({ usdPerDay: 10 });
      const watched = all.crashing({ at: () => false, when });
      await watched.process.run(() => script(watched));
      const calls = watched.process.trace.filter((what) => /transact|anthropic|insert|update/.test(what)).length;
      expect(calls).toBeGreaterThan(12);
      for (let no = 1; no <= calls; no += 1) {
        const it = world({ usdPerDay: 10 });
        let count = 0;
        const at = (what: string) => /transact|anthropic|insert|update/.test(what) && ++count === no;
        const dying = it.crashing({ at, when });
        await dying.process.run(() => script(dying));
        await spawn(it, {}, { "idempotency-key": "one" });
        await spawn(it, { routing: "realtime" }, { "idempotency-key": "two" });
        await toRest(it);
        const { spent } = await purse(it);
        const unknown = it.codes().includes("realtime_unknown");
        expect(outstanding(it), `call ${no}: ${dying.process.trace.at(-1)}`).toBe(0);
        if (!unknown) expect(spent, `call ${no}: ${dying.process.trace.at(-1)}`).toBe(nanoBill(it));
      }
    },
  );
});
