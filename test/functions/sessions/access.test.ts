import { describe, expect, it } from "vitest";
import { scopes } from "../../../functions/domain/principal.ts";
import { type RouteName, routes, routesOf } from "../../../functions/domain/routes.ts";
import { sessionsApp } from "../../../functions/sessions/http.ts";
import { spawnApp } from "../../../functions/spawn/http.ts";
import { ownerVerdict } from "../../support/rooms.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

type Name = RouteName<"spawn" | "sessions">;
const names = Object.keys(routes) as Name[];

const agents = [
  { id: "worker", cacheRetention: "none", budget: { usdPerDay: 100, onExceeded: "reject" } },
  { id: "hidden", cacheRetention: "short", routing: "realtime", budget: { usdPerDay: 100, onExceeded: "reject" } },
];
const jobs = (agentId: string) => ({
  id: `${agentId}-job`,
  agentId,
  schedule: { kind: "every", expr: "1h" },
  payload: { kind: "agentTurn", message: "Go." },
});
const lanes = [{ id: "default", budget: { usdPerDay: 900, onExceeded: "warn" } }];
const config = { agents: { list: agents }, lanes, cron: { jobs: [jobs("worker"), jobs("hidden")] } };

/** Good for one agent. */
const some = { client: "ci", scopes: scopes.join(" "), agents: "worker" };

interface Scene {
  world: TestWorld;
  mine: string;
  other: string;
  otherToken: string;
}

/** A session of each agent, answered, under one label. */
async function scene(): Promise<Scene> {
  const world = testWorld({ config });
  const mine = await world.accept("My task.", { agentId: "worker", label: "shared" });
  const other = await world.accept("Another's task.", { agentId: "hidden", label: "shared" });
  await world.ticks(20);
  const body = JSON.stringify({ name: "other", scopes: ["read"], agents: ["hidden"] });
  const made = await world.http("/api/tokens", { method: "POST", body });
  const { id: otherToken } = (await made.json()) as { id: string };
  return { world, mine, other, otherToken };
}

const post = (path: string, body: unknown): [string, RequestInit] => [
  path,
  { method: "POST", body: JSON.stringify(body) },
];

interface Attempt {
  /** A call that is right, for an agent of the token's where one is named. */
  own(scene: Scene): [string, RequestInit?];
  answers?: number;
  /** The same about another agent, or what of it names one; none where nothing can be asked for. */
  others?(scene: Scene): [string, RequestInit?];
  /** What becomes of that. */
  refused?: number;
}

/** Each route there is: a new one does not compile before it says how it keeps agents apart. */
const attempts: Record<Name, Attempt> = {
  "POST /api/sessions/spawn": {
    own: () => post("/api/sessions/spawn", { task: "Go.", agentId: "worker" }),
    answers: 202,
    others: () => post("/api/sessions/spawn", { task: "Go.", agentId: "hidden" }),
    refused: 403,
  },
  "POST /api/sessions/spawn/bulk": {
    own: () => post("/api/sessions/spawn/bulk", [{ task: "Go." }]),
    answers: 202,
  },
  "POST /api/sessions/cancel": {
    own: () => post("/api/sessions/cancel", { label: "shared" }),
    others: () => post("/api/sessions/cancel", { agentId: "hidden" }),
    refused: 403,
  },
  "GET /api/sessions": {
    own: () => ["/api/sessions"],
    others: () => ["/api/sessions?agentId=hidden"],
    refused: 403,
  },
  "GET /api/sessions/:id": {
    own: ({ mine }) => [`/api/sessions/${mine}`],
    others: ({ other }) => [`/api/sessions/${other}`],
    refused: 404,
  },
  "GET /api/sessions/:id/history": {
    own: ({ mine }) => [`/api/sessions/${mine}/history`],
    others: ({ other }) => [`/api/sessions/${other}/history`],
    refused: 404,
  },
  "POST /api/sessions/:id/messages": {
    own: ({ mine }) => post(`/api/sessions/${mine}/messages`, { message: "And then?" }),
    answers: 202,
    others: ({ other }) => post(`/api/sessions/${other}/messages`, { message: "And then?" }),
    refused: 404,
  },
  "POST /api/sessions/:id/cancel": {
    own: ({ mine }) => post(`/api/sessions/${mine}/cancel`, {}),
    answers: 409,
    others: ({ other }) => post(`/api/sessions/${other}/cancel`, {}),
    refused: 404,
  },
  "GET /api/agents": { own: () => ["/api/agents"] },
  "GET /api/advice": { own: () => ["/api/advice"] },
  "GET /api/budgets": { own: () => ["/api/budgets"] },
  "GET /api/lanes": { own: () => ["/api/lanes"] },
  "GET /api/batches": { own: () => ["/api/batches"], answers: 403 },
  "GET /api/batches/:id": { own: () => ["/api/batches/01KAJ8Z3M4N5P6Q7R8S9T0V1W2"], answers: 403 },
  "GET /api/usage": {
    own: () => ["/api/usage?groupBy=agent"],
    others: () => ["/api/usage?groupBy=label"],
    refused: 403,
  },
  "POST /api/usage/rebuild": { own: () => post("/api/usage/rebuild", {}), answers: 403 },
  "POST /api/tokens": {
    own: () => post("/api/tokens", { name: "mine", scopes: ["admin"], agents: ["worker"] }),
    others: () => post("/api/tokens", { name: "mine", scopes: ["read"], agents: ["hidden"] }),
    refused: 403,
  },
  "GET /api/tokens": { own: () => ["/api/tokens"] },
  "DELETE /api/tokens/:id": {
    own: () => ["/api/tokens/01KAJ8Z3M4N5P6Q7R8S9T0V1W2", { method: "DELETE" }],
    answers: 404,
    others: ({ otherToken }) => [`/api/tokens/${otherToken}`, { method: "DELETE" }],
    refused: 404,
  },
};

describe("the routes", () => {
  it("are those of the table: no room answers another, and each has a scope", () => {
    const { deps } = testWorld();
    for (const [room, app] of [
      ["spawn", spawnApp(deps)],
      ["sessions", sessionsApp(deps)],
    ] as const) {
      const answered = app.routes
        .filter(({ method }) => method !== "ALL")
        .map(({ method, path }) => `${method} ${path}`);
      const listed = [...routesOf(room).values()].flat().map(({ name }) => name);
      expect(answered.toSorted()).toEqual(listed.toSorted());
      // What takes any method is the door itself, and the 405 of each path.
      const any = app.routes.filter(({ method }) => method === "ALL").map(({ path }) => path);
      expect(any.toSorted()).toEqual(["/*", ...routesOf(room).keys()].toSorted());
    }
  });
});

describe.each(names)("%s", (name) => {
  const { own, others, answers = 200, refused } = attempts[name];
  const { scope } = routes[name];

  it(`takes the scope ${scope}, and no other will do`, async () => {
    const stage = await scene();
    const [path, init] = own(stage);
    const rest = scopes.filter((one) => one !== scope).join(" ");
    const without = await stage.world.http(path, init, { ...ownerVerdict, scopes: rest });
    expect(without.status).toBe(403);
    expect(await without.json()).toEqual({
      error: { type: "permission_error", message: `this token lacks the scope "${scope}"`, param: "scope" },
    });
    const withIt = await stage.world.http(path, init, { ...ownerVerdict, scopes: scope });
    expect(withIt.status).not.toBe(403);
  });

  it("answers about the agents of the token, and shows nothing of any other", async () => {
    const stage = await scene();
    const [path, init] = own(stage);
    const answer = await stage.world.http(path, init, some);
    const text = await answer.text();
    expect([answer.status, text]).toEqual([answers, expect.any(String)]);
    expect(text).not.toMatch(new RegExp(`hidden|${stage.other}|Another's|${stage.otherToken}`, "i"));
  });

  if (others !== undefined) {
    it("keeps an agent that is not the token's from it", async () => {
      const stage = await scene();
      const [path, init] = others(stage);
      const before = stage.world.table.items().length;
      const answer = await stage.world.http(path, init, some);
      const text = await answer.text();
      expect([answer.status, text]).toEqual([refused, expect.any(String)]);
      expect(text).not.toMatch(/hidden/);
      expect(stage.world.table.items()).toHaveLength(before);
      // Whether it exists at all is told by nothing.
      const unknown = path.replace("hidden", "nobody").replace(stage.other, "01KAJ8Z3M4N5P6Q7R8S9T0V1W2");
      const body = typeof init?.body === "string" ? { ...init, body: init.body.replace("hidden", "nobody") } : init;
      const absent = await stage.world.http(
        unknown.replace(stage.otherToken, "01KAJ8Z3M4N5P6Q7R8S9T0V1W2"),
        body,
        some,
      );
      expect([absent.status, await absent.text()]).toEqual([answer.status, text]);
    });
  }
});

describe("a token for some agents", () => {
  const json = async (answer: Response) => JSON.parse(await answer.text());

  it("is refused each task for another one of a bulk spawn, and has the others", async () => {
    const { world } = await scene();
    const tasks = [{ task: "Go.", agentId: "hidden" }, { task: "Go.", agentId: "worker" }, { task: "Go." }];
    const { results } = await json(await world.http(...post("/api/sessions/spawn/bulk", tasks), some));
    expect(results.map(({ httpStatus }: { httpStatus?: number }) => httpStatus)).toEqual([403, undefined, undefined]);
    expect(results[0].error).toMatchObject({ param: "agentId", message: expect.stringContaining("worker only") });
  });

  it("is refused a task without an agent where the first of the configuration is not its own", async () => {
    const { world } = await scene();
    const answer = await world.http(...post("/api/sessions/spawn", { task: "Go." }), { ...some, agents: "live" });
    expect([answer.status, (await json(answer)).error.param]).toEqual([403, "agentId"]);
  });

  it("is not given the session of another agent for the same key and body of its client", async () => {
    const { world } = await scene();
    const call = { method: "POST", headers: { "idempotency-key": "one" }, body: JSON.stringify({ task: "Go." }) };
    const { sessionId } = await json(await world.http("/api/sessions/spawn", call, { ...some, agents: "*" }));
    const renamed = world.configured({ agents: { list: [{ id: "hidden" }, { id: "worker" }] } });
    const refused = await renamed.http("/api/sessions/spawn", call, { ...some, agents: "hidden" });
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain(sessionId);
    expect((await json(await renamed.http("/api/sessions/spawn", call, some))).sessionId).toBe(sessionId);
  });

  it("shares its idempotency keys with every token of its client, and with nobody else", async () => {
    const { world } = await scene();
    const call = { method: "POST", headers: { "idempotency-key": "one" }, body: JSON.stringify({ task: "Go." }) };
    const spawned = async (verdict: object) =>
      (await json(await world.http("/api/sessions/spawn", call, verdict))).sessionId;
    const first = await spawned(some);
    expect(await spawned({ ...some, agents: "*", scopes: "spawn" })).toBe(first);
    expect(await spawned({ ...some, client: "another" })).not.toBe(first);
  });

  it.each(["/api/sessions", "/api/sessions?label=shared"])(
    "goes through %s to the end without a place of another's session in a cursor",
    async (list) => {
      const { world } = await scene();
      for (let index = 0; index < 8; index += 1)
        await world.accept("Go.", { agentId: index % 3 === 0 ? "worker" : "hidden", label: "shared" });
      world.pass(5);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const more = `${list.includes("?") ? "&" : "?"}limit=1${cursor === undefined ? "" : `&cursor=${cursor}`}`;
        const page = await json(await world.http(`${list}${more}`, {}, some));
        for (const { agentId, sessionId } of page.sessions) {
          expect(agentId).toBe("worker");
          seen.push(sessionId);
        }
        cursor = page.cursor;
        if (cursor !== undefined) expect(Buffer.from(cursor, "base64url").toString()).toContain(String(seen.at(-1)));
      } while (cursor !== undefined);
      expect(new Set(seen).size).toBe(4);
    },
  );

  it("takes back by label what is its own, and counts nothing else", async () => {
    const { world } = await scene();
    const mine = await world.accept("Go.", { agentId: "worker", label: "night" });
    const unlabeled = await world.accept("Go.", { agentId: "worker" });
    const others = await world.accept("Go.", { agentId: "hidden", label: "night" });
    world.pass(5);
    const answer = await world.http(...post("/api/sessions/cancel", { label: "night" }), some);
    expect(await json(answer)).toEqual({ canceled: 1, alreadyEnded: 0 });
    const statuses = await Promise.all([mine, unlabeled, others].map(async (id) => (await world.see(id))["status"]));
    expect(statuses).toEqual(["canceled", "queued", "queued"]);
  });

  it("is told what was spent on its agents, and not what was spent in all", async () => {
    const { world } = await scene();
    const read = async (verdict: object, groupBy: string) =>
      json(await world.http(`/api/usage?groupBy=${groupBy}`, {}, verdict));
    const all = await read(ownerVerdict, "agent");
    const mine = all.groups.find(({ agent }: { agent: string }) => agent === "worker");
    for (const groupBy of ["agent", "day"]) {
      const { totals, groups } = await read(some, groupBy);
      expect(totals).toMatchObject({ results: 1, totalUsd: mine.totalUsd });
      expect(totals.totalUsd).toBeLessThan(all.totals.totalUsd);
      expect(groups).toHaveLength(1);
    }
  });

  it("sees the budgets of its agents, and none that is spent by all together", async () => {
    const { world } = await scene();
    const purses = async (verdict: object) =>
      (await json(await world.http("/api/budgets", {}, verdict))).budgets.map(({ purse }: { purse: string }) => purse);
    expect(await purses(ownerVerdict)).toHaveLength(3);
    expect(await purses(some)).toEqual([(await purses(ownerVerdict))[0]]);
  });

  it("is advised on its agents and their jobs alone", async () => {
    const system = "You are the night shift. ".repeat(4_000);
    const list = ["worker", "hidden"].map((id) => ({ id, system, model: "claude-opus-5", routing: "realtime" }));
    const world = testWorld({ config: { agents: { list }, cron: { jobs: [jobs("worker"), jobs("hidden")] } } });
    for (const agentId of ["worker", "hidden"]) await world.accept("Go.", { agentId });
    for (const job of ["worker-job", "hidden-job"])
      await world.spawnFromEvent({ cronJob: job, time: new Date(world.clock.now()).toISOString() });
    await world.ticks(20);
    const advice = async (verdict: object) => (await world.http("/api/advice", {}, verdict)).text();
    for (const change of [
      "agents.list[worker]",
      "agents.list[hidden]",
      "cron.jobs[worker-job]",
      "cron.jobs[hidden-job]",
    ])
      expect(await advice(ownerVerdict)).toContain(change);
    expect(await advice({ ...some, agents: "hidden" })).toMatch(/^(?!.*worker).*cron\.jobs\[hidden-job\]/);
    expect(await advice(some)).toMatch(/^(?!.*hidden).*agents\.list\[worker\]/);
  });
});

describe("events", () => {
  it("are let in as those clients, for every agent", async () => {
    const { world } = await scene();
    await world.spawnFromEvent({ cronJob: "hidden-job", time: new Date(world.clock.now()).toISOString() });
    const detail = { task: "Go.", agentId: "hidden", label: "bus" };
    await world.spawnFromEvent({ "detail-type": "offpeak.spawn", source: "test", id: "e-1", detail });
    const clients = new Set(world.table.items().map((item) => item["client"]));
    expect(clients).toEqual(new Set([undefined, "owner", "cron", "eventbridge"]));
  });

  it("have clients of their own, which no token can be named after", async () => {
    const { world } = await scene();
    for (const name of ["owner", "cron", "eventbridge"]) {
      const asked = { name, scopes: ["spawn"], agents: "*" };
      const answer = await world.http(...post("/api/tokens", asked));
      expect([answer.status, (await json(answer)).error.param]).toEqual([400, "name"]);
    }
  });
  const json = async (answer: Response) => JSON.parse(await answer.text());
});
