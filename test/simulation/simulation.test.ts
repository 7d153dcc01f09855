import { describe, expect, it } from "vitest";
import { runSimulation, scenarioOf, wholeRound } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { type Fault, strike } from "./scheduler.ts";
import { Totals } from "./totals.ts";

const seeds = wholeRound;
/** Ways back that some seed must have taken: no run passes by doing nothing. */
const marks = [
  "session_repeated",
  "session_rescued",
  "manifest_adopted",
  "manifest_abandoned",
  "manifest_split",
  "manifest_unknown",
  "lane_parked",
  "lane_resumed",
  "results_short",
  "result_quarantined",
  "session_requeued",
  "delivery_failed",
  "realtime_unknown",
  "realtime_refused",
  "deadline_fallback",
  "deadline_passed",
] as const;

describe("under crashes, lost answers, doubled calls and slow ones", () => {
  it(`every invariant holds at rest, in ${seeds} seeds`, async () => {
    const totals = new Totals();
    for (let seed = 1; seed <= seeds; seed += 1) totals.add(await runSimulation({ seed, scenario: scenarioOf(seed) }));
    expect(totals.violations).toEqual([]);
    expect(totals.doneShare).toBeGreaterThan(0.8);
    expect(marks.filter((mark) => !totals.marks.has(mark))).toEqual([]);
  }, 120_000);

  it("a seed replays exactly", async () => {
    const scenario = scenarios.at(-1)!;
    const [one, other] = [await runSimulation({ seed: 12, scenario }), await runSimulation({ seed: 12, scenario })];
    expect(other.trace).toEqual(one.trace);
  });
});

describe("a crash at every single effect", () => {
  const faults: readonly Fault[] = ["crash-before", "crash-after"];
  it.each(["one session", "three in one batch"])(
    "of %s loses nothing and pays nothing twice",
    async (name) => {
      const scenario = scenarios.find((one) => one.name === name)!;
      const whole = await runSimulation({ seed: 1, scenario, plan: () => undefined });
      expect(whole.violations).toEqual([]);
      const violations: string[] = [];
      for (let at = 1; at <= whole.effects; at += 1) {
        for (const fault of faults) {
          const report = await runSimulation({
            seed: 1,
            scenario,
            plan: (no, effect) => (no === at ? strike(effect, fault) : undefined),
          });
          violations.push(...report.violations.map((violation) => `${fault} ${at}: ${violation}`));
        }
      }
      expect(violations).toEqual([]);
    },
    120_000,
  );
});
