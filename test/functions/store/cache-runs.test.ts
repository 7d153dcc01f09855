import { describe, expect, it } from "vitest";
import { cacheRunDays, maxCacheRuns } from "../../../functions/domain/limits.ts";
import { cacheRunStore } from "../../../functions/store/cache-runs.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { night, virtualClock } from "../../support/virtual-clock.ts";

const pool = { agentId: "worker", mode: "batch", model: "claude-haiku-5-5" } as const;
const aRun = (startedAt: number) => ({
  startedAt,
  endedAt: startedAt + 1,
  requests: 1,
  read: 2,
  written5m: 3,
  written1h: 4,
});

function setUp() {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  return { clock, table, store: cacheRunStore(table, clock) };
}

describe("the runs of an agent", () => {
  it("are kept apart by agent, by model, and by batch or real time, which do not read each other", async () => {
    const { store } = setUp();
    await store.record(pool, "a", aRun(night));
    expect(await store.recent(pool)).toEqual([aRun(night)]);
    for (const other of [{ agentId: "other" }, { mode: "realtime" as const }, { model: "claude-opus-5" }])
      expect(await store.recent({ ...pool, ...other })).toEqual([]);
  });

  it("are the newest, and no more than are needed", async () => {
    const { store } = setUp();
    for (let second = 0; second < maxCacheRuns + 5; second += 1)
      await store.record(pool, `source-${second}`, aRun(night - second * 1_000));
    const recent = await store.recent(pool);
    expect(recent).toHaveLength(maxCacheRuns);
    expect(Math.max(...recent.map(({ startedAt }) => startedAt))).toBe(night);
  });

  it("count a source once, however often it is read", async () => {
    const { store, table } = setUp();
    await store.record(pool, "a", { ...aRun(night), requests: 7 });
    await store.record(pool, "a", aRun(night));
    expect(table.items()).toHaveLength(1);
    expect(await store.recent(pool)).toEqual([aRun(night)]);
  });

  it("are forgotten after two weeks, by the table as well", async () => {
    const { store, table, clock } = setUp();
    await store.record(pool, "a", aRun(night));
    expect(table.items()[0]?.["expiresAt"]).toBe(Math.ceil((night + 1) / 1000) + cacheRunDays * 86_400);
    clock.pass(cacheRunDays * 86_400 + 1);
    expect(await store.recent(pool)).toEqual([]);
  });

  it("cost nobody an answer while the table is away", async () => {
    const { table, clock } = setUp();
    const away = () => Promise.reject(new Error("away"));
    const store = cacheRunStore({ ...table, put: away, query: away }, clock);
    await store.record(pool, "a", aRun(night));
    expect(await store.recent(pool)).toEqual([]);
  });
});
