import { describe, expect, it } from "vitest";
import { crashes, eachFault, eachPair } from "./crashes.ts";
import { seeded } from "./random.ts";
import { runSimulation } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { Totals } from "./totals.ts";

const named = [
  "one session",
  "three in one batch",
  "two manifests of equal count, both unknown",
  "fallback racing a late result",
  "a turn that pauses",
];
const scenarioNamed = (name: string) => scenarios.find((one) => one.name === name)!;

describe("a crash before and after every call that changes something", () => {
  it.each(named)(
    "of %s loses nothing and pays nothing twice",
    async (name) => {
      const totals = new Totals();
      for await (const report of eachFault(scenarioNamed(name), 1, crashes)) totals.add(report);
      expect(totals.violations).toEqual([]);
      expect(totals.runs).toBeGreaterThan(80);
    },
    120_000,
  );
});

describe("two crashes in one run", () => {
  it("lose nothing and pay nothing twice, at a sample of the pairs of calls", async () => {
    const random = seeded(1);
    const totals = new Totals();
    for await (const report of eachPair(scenarioNamed("one session"), 1, () => random.chance(0.02))) totals.add(report);
    expect(totals.violations).toEqual([]);
    expect(totals.runs).toBeGreaterThan(80);
  }, 120_000);
});

it("a seed replays exactly", async () => {
  const scenario = scenarios.at(-1)!;
  const [one, other] = [await runSimulation({ seed: 12, scenario }), await runSimulation({ seed: 12, scenario })];
  expect(other.trace).toEqual(one.trace);
});
