import { type RunReport, runSimulation } from "./run.ts";
import type { Scenario } from "./scenarios.ts";
import { type Fault, type FaultPlan, strike } from "./scheduler.ts";

/** Where the calls of a run are struck, and by what: from the number of the call. */
type Strikes = ReadonlyMap<number, Fault>;

export const crashes = ["crash-before", "crash-after"] as const;

async function runStruck(scenario: Scenario, seed: number, strikes: Strikes): Promise<RunReport> {
  const plan: FaultPlan = (no, name) => {
    const fault = strikes.get(no);
    return fault === undefined ? undefined : strike(name, fault);
  };
  const report = await runSimulation({ seed, scenario, plan });
  const where = [...strikes].map(([no, fault]) => `${fault} ${no}`);
  return { ...report, scenario: [scenario.name, ...where].join(", ") };
}

/** Each of these faults at each single call that changes something, one run each. */
export async function* eachFault(
  scenario: Scenario,
  seed: number,
  faults: readonly Fault[],
): AsyncGenerator<RunReport> {
  const whole = await runStruck(scenario, seed, new Map());
  yield whole;
  for (const at of whole.changing) for (const fault of faults) yield runStruck(scenario, seed, new Map([[at, fault]]));
}

/**
 * Two crashes in one run, at each pair of calls (n, m) that change something; the calls after n are those of a run that
 * has crashed there.
 * @param isTaken of a pair: all of them, or a sample
 */
export async function* eachPair(scenario: Scenario, seed: number, isTaken: () => boolean): AsyncGenerator<RunReport> {
  const whole = await runStruck(scenario, seed, new Map());
  for (const n of whole.changing) {
    for (const first of crashes) {
      const once = await runStruck(scenario, seed, new Map([[n, first]]));
      for (const m of once.changing.filter((later) => later > n)) {
        for (const second of crashes) {
          const strikes = new Map([
            [n, first],
            [m, second],
          ]);
          if (isTaken()) yield runStruck(scenario, seed, strikes);
        }
      }
    }
  }
}
