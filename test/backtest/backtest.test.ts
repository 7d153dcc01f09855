import { describe, expect, it } from "vitest";
import { publishedPrices } from "../../functions/domain/prices.ts";
import { backtest, type Outcome } from "./backtest.ts";
import { plot, table } from "./report.ts";
import { allTraces, type Trace } from "./traces.ts";

const seed = 1;
const traces = allTraces(seed);
const outcomes = new Map<string, Outcome>();
function outcomeOf(trace: Trace): Outcome {
  const outcome = outcomes.get(trace.name) ?? backtest(trace);
  outcomes.set(trace.name, outcome);
  return outcome;
}
const ofKind = (kind: Trace["kind"]) =>
  traces.filter((trace) => trace.kind === kind).map((trace) => [trace.name, trace] as const);

describe("auto", () => {
  it.each(ofKind("stationary"))("costs within 3 %% of the best fixed setting where nothing changes: %s", (_, trace) => {
    expect(outcomeOf(trace).autoOver).toBeLessThanOrEqual(0.03);
  });

  it.each(ofKind("shifting"))("is never more than 10 %% above it where things change: %s", (_, trace) => {
    expect(outcomeOf(trace).autoOver).toBeLessThanOrEqual(0.1);
  });

  it("spares the deployment of 8 agents nine tenths of what short costs, and more than any one setting for all", () => {
    const [first] = traces;
    const { name, usdPerDay, autoOver } = outcomeOf(first!);
    expect(name).toBe("8 agents, real time");
    // 82 % of 2 dollars a day, as reported.
    expect(usdPerDay.short).toBeGreaterThan(1.5);
    expect(usdPerDay.short).toBeLessThan(1.9);
    expect(usdPerDay.auto).toBeLessThan(usdPerDay.short / 8);
    expect(autoOver).toBeLessThan(-0.1);
  });
});

describe("the backtest", () => {
  it("lets nobody pay less than who knows the future", () => {
    for (const trace of traces) {
      const { usdPerDay, clairvoyantOver } = outcomeOf(trace);
      expect(clairvoyantOver, trace.name).toBeLessThanOrEqual(0);
      expect(usdPerDay.clairvoyant, trace.name).toBeLessThanOrEqual(usdPerDay.auto);
    }
  });

  it("prices what can be worked out by hand: one write, then a read every 4 minutes", () => {
    const arrivals = [0, 4, 8].map((minute) => ({
      at: minute * 60_000,
      startedAt: minute * 60_000,
      endedAt: minute * 60_000 + 1_000,
      requests: 1,
    }));
    const trace: Trace = {
      name: "three",
      kind: "stationary",
      mode: "realtime",
      model: "claude-haiku-4-5",
      prefixTokens: 1_000_000,
      hitRate: 1,
      agents: [arrivals],
    };
    const { usdPerDay } = backtest(trace);
    expect(publishedPrices.models.get(trace.model)?.usdPerMTok.input).toBe(1);
    expect(usdPerDay.none).toBeCloseTo(3);
    expect(usdPerDay.short).toBeCloseTo(1.25 + 0.2);
    expect(usdPerDay.long).toBeCloseTo(2 + 0.2);
    expect(usdPerDay.clairvoyant).toBeCloseTo(1.25 + 0.2);
  });

  it("prints a line and a plot for each trace", () => {
    const outcome = outcomeOf(traces[0]!);
    expect(table([outcome])).toHaveLength(2);
    expect(plot([outcome]).filter((line) => line.includes("█"))).toHaveLength(5);
  });
});
