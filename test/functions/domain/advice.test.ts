import { describe, expect, it } from "vitest";
import { type AdviceInput, adviceOn } from "../../../functions/domain/advice.ts";
import type { CronJob } from "../../../functions/domain/config/index.ts";
import { addEntry, emptyRollup, type Rollup } from "../../../functions/domain/rollup.ts";
import { anAgent, aUsage } from "./support.ts";

const dayMs = 24 * 3_600_000;
/** The end of a day, so that 30 days are whole. */
const now = Date.parse("2026-12-01T00:00:00Z");
const cent = 10_000_000_000n;
const dayAgo = (days: number) => new Date(now - days * dayMs).toISOString().slice(0, 10);

interface Result {
  agentId?: string;
  cronJob?: string;
  paid: bigint;
  realtime?: bigint;
  uncached?: bigint;
  input?: number;
  output?: number;
}

function rollupOf(results: readonly Result[]): Rollup {
  const rollup = emptyRollup();
  for (const {
    agentId = "worker",
    cronJob,
    paid,
    realtime = 2n * paid,
    uncached = paid,
    input = 0,
    output = 0,
  } of results) {
    const account = { agentId, lane: "default", ...(cronJob === undefined ? {} : { cronJob }) };
    const charge = { paid, realtime, uncached, cacheWrites: 0n };
    addEntry(rollup, { account, model: "claude-haiku-4-5", usage: aUsage({ input, output }), charge });
  }
  return rollup;
}

/** The same results each of these days ago. */
const daysOf = (results: readonly Result[], agos: readonly number[]) =>
  new Map(agos.toSorted((one, other) => other - one).map((ago) => [dayAgo(ago), rollupOf(results)] as const));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const month = range(1, 30);

const aJob = (differently: Partial<CronJob> = {}): CronJob => ({
  id: "nightly",
  agentId: "worker",
  schedule: { kind: "every", seconds: 3_600 },
  message: "Go.",
  ...differently,
});

const adviceOf = (differently: Partial<AdviceInput>) =>
  adviceOn({ config: { agents: [anAgent()], jobs: [] }, days: new Map(), outlooks: new Map(), now, ...differently });

describe("advice on a cache setting", () => {
  const choice = {
    retention: "long",
    why: "long: often",
    costs: { none: 1, short: 1.2, long: 0.2 },
    basedOn: 9,
  } as const;
  const outlooks = new Map([["worker", { choice, prefixPicoUsd: Number(cent), hasOwnMarkers: false }]]);
  const days = daysOf([{ paid: cent }, { paid: cent }], month);

  it("says what another setting would save by the arrivals: 60 requests a month, 0.8 of a prefix of a cent each", () => {
    const [one, ...others] = adviceOf({ days, outlooks });
    expect(one).toEqual({
      kind: "cache",
      usdPerMonth: expect.closeTo(0.48),
      why: "cacheRetention none, where auto would choose long: often",
      change: 'agents.list[worker].cacheRetention: "auto"',
    });
    expect(others).toEqual([]);
  });

  it("says what the books say, where that is more: its writes cost more than its reads saved", () => {
    const config = { agents: [anAgent({ cacheRetention: "short" })], jobs: [] };
    const [one] = adviceOf({
      config,
      days: daysOf([{ paid: 5n * cent, uncached: 4n * cent }], month),
      outlooks: new Map([
        [
          "worker",
          { choice: { ...choice, costs: { none: 1, short: 1, long: 1 } }, prefixPicoUsd: 1, hasOwnMarkers: false },
        ],
      ]),
    });
    expect(one).toMatchObject({
      kind: "cache",
      usdPerMonth: expect.closeTo(0.3),
      why: expect.stringContaining("cost more"),
    });
  });

  it("says none to an agent that places markers of its own, which auto would keep", () => {
    const own = { retention: "short", why: "it has markers of its own", basedOn: 0 } as const;
    const [one] = adviceOf({
      config: { agents: [anAgent({ cacheRetention: "short" })], jobs: [] },
      days: daysOf([{ paid: 5n * cent, uncached: 4n * cent }], month),
      outlooks: new Map([["worker", { choice: own, prefixPicoUsd: 1, hasOwnMarkers: true }]]),
    });
    expect(one?.change).toBe('agents.list[worker].cacheRetention: "none"');
  });

  it("has nothing to say to auto, to the best setting, and of an agent without work", () => {
    for (const cacheRetention of ["auto", "long"] as const)
      expect(adviceOf({ config: { agents: [anAgent({ cacheRetention })], jobs: [] }, days, outlooks })).toEqual([]);
    expect(adviceOf({ outlooks })).toEqual([]);
  });

  it("makes a month of what is known: ten days count three times", () => {
    const [one] = adviceOf({ days: daysOf([{ paid: cent }, { paid: cent }], range(1, 10)), outlooks });
    expect(one?.usdPerMonth).toBeCloseTo(0.48);
  });
});

describe("advice on routing", () => {
  const live = anAgent({ routing: { mode: "realtime", from: "agent" } });
  const inRealtime = { paid: 4n * cent, realtime: 4n * cent };

  it("says what real-time work that can wait would save: half", () => {
    const days = daysOf([inRealtime, { paid: cent }], month);
    expect(adviceOf({ config: { agents: [live], jobs: [] }, days })).toEqual([
      {
        kind: "routing",
        usdPerMonth: expect.closeTo(0.6),
        why: expect.stringContaining("whatever of it can wait"),
        change: 'agents.list[worker].routing: "batch"',
      },
    ]);
  });

  it("tells that of a cron job apart, for which nobody waits, and counts it once", () => {
    const days = daysOf([inRealtime, { ...inRealtime, cronJob: "nightly" }], month);
    const found = adviceOf({ config: { agents: [live], jobs: [aJob()] }, days });
    expect(found.map(({ usdPerMonth, change }) => [usdPerMonth, change])).toEqual([
      [expect.closeTo(0.6), 'agents.list[worker].routing: "batch"'],
      [expect.closeTo(0.6), 'cron.jobs[nightly].routing: "batch"'],
    ]);
  });

  it("says nothing of what is batched, nor of an agent that must not be", () => {
    const days = daysOf([{ ...inRealtime, cronJob: "nightly" }], month);
    expect(adviceOf({ days })).toEqual([]);
    const bound = { ...live, zeroDataRetention: true };
    expect(adviceOf({ config: { agents: [bound], jobs: [aJob()] }, days })).toEqual([]);
  });
});

describe("advice on a job whose cost grew", () => {
  const config = { agents: [anAgent()], jobs: [aJob()] };
  const usual = { cronJob: "nightly", paid: cent, input: 1_000, output: 100 };
  const grown = (latest: readonly Result[]) =>
    adviceOf({ config, days: new Map([...daysOf([usual], range(8, 14)), ...daysOf(latest, range(1, 7))]) });

  it.each([
    ["more runs", [usual, usual], "14 runs instead of 7", "cron.jobs[nightly].schedule"],
    [
      "longer answers",
      [{ ...usual, paid: 2n * cent, output: 400 }],
      "answers of 400 tokens instead of 100",
      "agents.list[worker].maxTokens: 200",
    ],
    [
      "longer prompts",
      [{ ...usual, paid: 2n * cent, input: 3_000 }],
      "prompts of 3000 tokens instead of 1000",
      "cron.jobs[nightly].payload.message, or agents.list[worker].system",
    ],
    ["dearer tokens", [{ ...usual, paid: 2n * cent }], "a token costs more", "cron.jobs[nightly].payload.model"],
  ])("names the cause: %s", (_, latest, why, change) => {
    const [one, ...others] = grown(latest);
    expect(one).toMatchObject({ kind: "growth", usdPerMonth: expect.closeTo(0.3), change });
    expect(one?.why).toContain("costs 100 % more than the week before");
    expect(one?.why).toContain(why);
    expect(others).toEqual([]);
  });

  it("says nothing of a job that began within the two weeks, since that is no growth", () => {
    expect(adviceOf({ config, days: daysOf([usual], range(1, 9)) })).toEqual([]);
  });

  it("says nothing of little growth, of a new job, and of today, which is not over", () => {
    expect(grown([{ ...usual, paid: (cent * 12n) / 10n }])).toEqual([]);
    expect(adviceOf({ config, days: daysOf([usual], range(1, 7)) })).toEqual([]);
    const days = new Map([...daysOf([usual], range(1, 14)), ...daysOf([{ ...usual, paid: 99n * cent }], [0])]);
    expect(adviceOf({ config, days })).toEqual([]);
  });
});

describe("all advice", () => {
  it("begins with the dearest, and is silent about less than a cent a month", () => {
    const live = anAgent({ id: "live", routing: { mode: "realtime", from: "agent" } });
    const rare = anAgent({ id: "rare", routing: { mode: "realtime", from: "agent" } });
    const more = anAgent({ id: "more", routing: { mode: "realtime", from: "agent" } });
    const paid = (agentId: string, amount: bigint) => ({ agentId, paid: amount, realtime: amount });
    const days = daysOf([paid("live", cent), paid("rare", 600_000_000n), paid("more", 2n * cent)], month);
    const found = adviceOf({ config: { agents: [live, rare, more], jobs: [] }, days });
    expect(found.map(({ change }) => change)).toEqual([
      'agents.list[more].routing: "batch"',
      'agents.list[live].routing: "batch"',
    ]);
  });
});
