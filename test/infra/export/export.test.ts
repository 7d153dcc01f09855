import { describe, expect, it } from "vitest";
import { apiReader, RefusedError } from "../../../infra/export/api.ts";
import { readArguments } from "../../../infra/export/arguments.ts";
import { exportSessions } from "../../../infra/export/export.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const hour = 3600;
const settings = { url: new URL("http://offpeak.test"), token: "secret", from: "2026-11-22", to: "2026-11-23" };

interface Options {
  /** Of each request, before it is answered. */
  fault?: (path: string, no: number) => Response | Error | undefined;
  from?: string;
  to?: string;
  agent?: string;
}

/** The export of a world, through its HTTP API. */
async function exported(world: TestWorld, { fault = () => undefined, ...more }: Options = {}) {
  const lines: Record<string, unknown>[] = [];
  const said: string[] = [];
  const pauses: number[] = [];
  let requests = 0;
  let underWay = 0;
  let most = 0;
  const fetch = async (url: URL, init: RequestInit) => {
    requests += 1;
    const happened = fault(url.pathname, requests);
    if (happened instanceof Error) throw happened;
    underWay += 1;
    most = Math.max(most, underWay);
    expect(new Headers(init.headers).get("authorization")).toBe("Bearer secret");
    const answer = happened ?? (await world.http(`${url.pathname}${url.search}`));
    underWay -= 1;
    return answer;
  };
  const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
  const say = (line: string) => void said.push(line);
  const read = apiReader({ ...settings, fetch: fetch as typeof globalThis.fetch, sleep, say });
  const write = async (line: string) => void lines.push(JSON.parse(line));
  const count = await exportSessions({ ...settings, ...more }, { read, write, say });
  expect(count).toBe(lines.length);
  return { lines, said, pauses, requests, most };
}

const idsOf = (lines: readonly Record<string, unknown>[]) => lines.map(({ sessionId }) => sessionId);

describe("an export", () => {
  it("has each session once, whole, the newest first, in bounded memory", async () => {
    const world = testWorld();
    const ids: string[] = [];
    for (let task = 0; task < 230; task += 1) {
      ids.push(await world.accept(`Task ${task}`));
      world.pass(1);
    }
    await world.ticks(15);
    const { lines, most } = await exported(world);
    expect(idsOf(lines)).toEqual(ids.toReversed());
    expect(lines[0]).toMatchObject({
      status: "done",
      cost: { missing: 0 },
      usage: expect.any(Object),
      results: [{ turn: 1, standing: "winner" }],
      timeline: expect.arrayContaining([expect.objectContaining({ status: "delivered" })]),
      messages: [{ role: "user", content: "Task 229" }, { role: "assistant" }],
    });
    expect(most).toBeLessThanOrEqual(8);
  });

  it("begins with the first millisecond and ends before the last, in UTC", async () => {
    const world = testWorld();
    world.pass(21 * hour - 0.001);
    const before = await world.accept("23:59:59.999");
    world.pass(0.001);
    const first = await world.accept("00:00");
    world.pass(24 * hour - 0.001);
    const last = await world.accept("23:59:59.999");
    world.pass(0.001);
    const after = await world.accept("00:00");
    const day = { from: "2026-11-23", to: "2026-11-24" };
    expect(idsOf((await exported(world, day)).lines)).toEqual([last, first]);
    expect(idsOf((await exported(world, { from: "2026-11-22", to: "2026-11-23" })).lines)).toEqual([before]);
    expect(idsOf((await exported(world, { from: "2026-11-24", to: "2026-11-25" })).lines)).toEqual([after]);
    const moment = { from: "2026-11-22T23:59:59.999Z", to: "2026-11-23T00:00:00.001Z" };
    expect(idsOf((await exported(world, moment)).lines)).toEqual([first, before]);
  });

  it("is of one agent where it says so, and of none is empty", async () => {
    const world = testWorld();
    await world.accept("One.");
    const live = await world.accept("Two.", { agentId: "live" });
    expect(idsOf((await exported(world, { agent: "live" })).lines)).toEqual([live]);
    expect((await exported(world, { agent: "nobody" })).lines).toEqual([]);
  });

  it("outlives lost connections, refusals for a while and restarts: each read is asked again", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two."), await world.accept("Three.")];
    const faults = [
      new TypeError("fetch failed"),
      Response.json({}, { status: 503, headers: { "retry-after": "7" } }),
      new Response("<html>", { status: 502 }),
      undefined,
      new TypeError("terminated"),
      Response.json({ error: {} }, { status: 429 }),
      new Response("not json", { status: 200 }),
    ];
    const { lines, pauses, said } = await exported(world, { fault: () => faults.shift() });
    expect(new Set(idsOf(lines))).toEqual(new Set(ids));
    expect(pauses).toContain(7_000);
    expect(said.some((line) => line.startsWith("HTTP 503"))).toBe(true);
  });

  it("ends where the API is gone for good, and at once where it refuses what was asked", async () => {
    const world = testWorld();
    await expect(exported(world, { fault: () => new TypeError("fetch failed") })).rejects.toThrow("12 times");
    await expect(exported(world, { from: "yesterday" })).rejects.toThrow(RefusedError);
    await expect(exported(world, { from: "2026-02-30" })).rejects.toThrow("from: must be a day");
  });

  it("leaves out a session that has gone meanwhile", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.")];
    const gone = `/api/sessions/${ids[0]}/history`;
    const fault = (path: string) => (path === gone ? Response.json({}, { status: 404 }) : undefined);
    expect(idsOf((await exported(world, { fault })).lines)).toEqual([ids[1]]);
  });
});

describe("the arguments of an export", () => {
  const env = { OFFPEAK_URL: "https://offpeak.test", OFFPEAK_TOKEN: "secret" };
  const now = new Date("2026-11-22T03:00:00Z");

  it("are where, whose token, and from when; it ends now without an end", () => {
    expect(readArguments(["--from", "2026-11-01", "--agent", "worker", "--out", "a.jsonl"], env, now)).toEqual({
      ok: true,
      settings: {
        url: new URL("https://offpeak.test"),
        token: "secret",
        from: "2026-11-01",
        to: "2026-11-22T03:00:00.000Z",
        agent: "worker",
        out: "a.jsonl",
      },
    });
  });

  it.each([
    [[], env, "--from: is required"],
    [["--form", "2026-11-01"], env, "--form"],
    [["--from", "2026-11-01"], { OFFPEAK_URL: "http://offpeak.test", OFFPEAK_TOKEN: "secret" }, "OFFPEAK_URL"],
    [["--from", "2026-11-01"], { OFFPEAK_URL: "https://offpeak.test" }, "OFFPEAK_TOKEN"],
  ])("that do not say so are refused: %j", (args, environment, problem) => {
    expect(readArguments(args, environment, now)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem),
    });
  });
});
