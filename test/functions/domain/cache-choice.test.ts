import { describe, expect, it } from "vitest";
import { type CacheRun, chooseRetention } from "../../../functions/domain/cache-choice.ts";
import { minuteMs, noon } from "./support.ts";

const prices = { read: 0.1, write5m: 1.25, write1h: 2 };
const aRun = (minutes: number, differently: Partial<CacheRun> = {}): CacheRun => ({
  startedAt: noon + minutes * minuteMs,
  endedAt: noon + (minutes + 0.1) * minuteMs,
  requests: 1,
  read: 0,
  written5m: 0,
  written1h: 0,
  ...differently,
});
/** So many, so many minutes apart, unmarked; the next one comes when another would. */
const apart = (minutes: number, count = 20) => Array.from({ length: count }, (_, index) => aRun(index * minutes));
const chosen = (runs: readonly CacheRun[], atMinute: number) =>
  chooseRetention(runs, noon + atMinute * minuteMs, prices);

describe("auto", () => {
  it("is short, the default, until anything is known", () => {
    expect(chosen([], 0)).toMatchObject({ retention: "short", basedOn: 0 });
    expect(chosen([], 0)).not.toHaveProperty("costs");
  });

  it.each([
    [3, "short"],
    [6, "long"],
    [50, "long"],
    [61, "none"],
    [600, "none"],
  ])("for requests %i minutes apart is %s", (minutes, retention) => {
    expect(chosen(apart(minutes), 20 * minutes).retention).toBe(retention);
  });

  it("decides from the first gap on", () => {
    expect(chosen(apart(3, 2), 6).retention).toBe("short");
    expect(chosen(apart(20, 2), 40).retention).toBe("long");
    expect(chosen(apart(600, 2), 1_200).retention).toBe("none");
  });

  it("says what a prefix costs with each setting, in multiples of its plain price", () => {
    const { costs, why, basedOn } = chosen(apart(600), 12_000);
    expect(costs?.none).toBe(1);
    expect(costs?.short).toBeGreaterThan(1.2);
    expect(costs?.short).toBeLessThan(1.25);
    expect(costs?.long).toBeGreaterThan(1.9);
    expect(costs?.long).toBeLessThan(2);
    expect(why).toMatch(/^none: \d+ % of its requests come within 5 minutes/);
    expect(basedOn).toBe(20);
  });

  it("follows a change: what came last counts most, and half as much a half-life ago", () => {
    const then = apart(600, 40);
    const since = Array.from({ length: 48 }, (_, index) => aRun(24_000 + index * 10));
    expect(chosen(then, 24_000).retention).toBe("none");
    expect(chosen([...then, ...since], 24_480).retention).toBe("long");
  });

  it("weighs a run by its requests: two hundred at once, once a night, outweigh a few that follow", () => {
    const nights = Array.from({ length: 10 }, (_, night) => [
      aRun(night * 1_440, { requests: 200 }),
      aRun(night * 1_440 + 30),
    ]).flat();
    expect(chosen(nights, 14_400).retention).toBe("none");
  });

  it("believes what was measured: an hour's marks that nobody reads come to none", () => {
    const missed = apart(20).map((run) => ({ ...run, written1h: 1_000 }));
    const read = apart(20).map((run, index) => ({ ...run, ...(index === 0 ? { written1h: 1_000 } : { read: 1_000 }) }));
    expect(chosen(missed, 20 * 20 + 61).retention).toBe("none");
    const { retention, hitRate, costs } = chosen(read, 20 * 20);
    expect(retention).toBe("long");
    expect(hitRate?.long).toBeGreaterThan(0.95);
    expect(costs?.long).toBeLessThan(0.3);
  });

  it("holds misses of five minutes not against the hour, which outlasts them", () => {
    const missed = apart(4).map((run) => ({ ...run, written5m: 1_000 }));
    const { hitRate } = chosen(missed, 80);
    expect(hitRate?.short).toBeLessThan(0.4);
    expect(
      chosen(
        apart(4).map((run, index) => (index > 0 ? { ...run, read: 1_000 } : { ...run, written1h: 1_000 })),
        80,
      ).hitRate?.short,
    ).toBeGreaterThan(0.9);
  });

  it("reads what is alive, though it would write nothing, and only as long as it is", () => {
    const rare = [...apart(600), aRun(12_000, { written1h: 1_000 })];
    expect(chosen(rare, 12_030)).toMatchObject({ retention: "short", why: expect.stringContaining("cached still") });
    expect(chosen(rare, 12_061).retention).toBe("none");
  });

  it("goes by the prices of the model: cheaper reads pay off sooner", () => {
    const runs = Array.from({ length: 40 }, (_, index) => aRun(index * 30 + (index % 2) * 35));
    const cheap = { read: 0.025, write5m: 1.25, write1h: 2 };
    const { costs } = chooseRetention(runs, noon + 10_000 * minuteMs, cheap);
    expect(costs?.long).toBeLessThan(chosen(runs, 10_000).costs?.long ?? 0);
  });

  it("does not depend on the order in which runs are known", () => {
    const runs = apart(7);
    expect(chosen(runs.toReversed(), 140)).toEqual(chosen(runs, 140));
  });
});
