import { describe, expect, it } from "vitest";
import { measuredNight, measurePriming, plainPrice } from "./priming.ts";

describe("a batch with one system prompt", () => {
  it("costs more marked and cold than without a marker, and a fraction of it when one goes ahead", async () => {
    const { tasks, prefixTokens, taskTokens } = measuredNight;
    const [none, cold, hourly, primed, auto] = await measurePriming(measuredNight);
    expect(none?.usd).toBeCloseTo((Number(plainPrice(measuredNight)) * tasks * (prefixTokens + taskTokens)) / 1e12, 6);
    expect(cold?.over).toBeCloseTo(0.25);
    expect(hourly?.over).toBeCloseTo(1);
    expect(primed?.readTokens).toBe((tasks - 1) * prefixTokens);
    expect(primed?.over).toBeLessThan(-0.75);
    // Nobody reads a task again: auto does not mark it, and so pays a quarter less for it.
    expect(auto?.readTokens).toBe(primed?.readTokens);
    expect(auto?.over).toBeLessThan(primed?.over ?? 0);
    expect([none, cold, primed].map((one) => one?.batches)).toEqual([1, 1, 2]);
  }, 60_000);
});
