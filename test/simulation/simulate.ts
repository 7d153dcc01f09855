import { parseArgs } from "node:util";
import { runSimulation, scenarioOf } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { faultKinds, strike } from "./scheduler.ts";
import { Totals } from "./totals.ts";

/**
 * `npm run simulate -- --seeds N [--seed S] [--trace]`: N seeds, each with a scenario, an interleaving and faults of its own.
 * `npm run simulate -- --every-effect [--seed S]`: one seed, and in it each fault at each single effect of each scenario.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    "every-effect": { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const totals = new Totals();

async function runSeeds(count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1) {
    const report = await runSimulation({ seed, scenario: scenarioOf(seed) });
    totals.add(report);
    if (values.trace) process.stdout.write(`${report.trace.join("\n")}\n`);
    if (seed % 100 === 0) showProgress(`${seed - first + 1}/${count} seeds`);
  }
}

async function runEveryEffect(): Promise<void> {
  for (const scenario of scenarios) {
    const whole = await runSimulation({ seed: first, scenario, plan: () => undefined });
    totals.add(whole);
    for (let at = 1; at <= whole.effects; at += 1) {
      for (const kind of faultKinds) {
        totals.add(
          await runSimulation({
            seed: first,
            scenario,
            plan: (no, name) => (no === at ? strike(name, kind) : undefined),
          }),
        );
      }
      if (at % 50 === 0) showProgress(`${scenario.name}: ${at}/${whole.effects} effects`);
    }
  }
}

function showProgress(done: string): void {
  process.stderr.write(
    `${done}, ${totals.effects.toLocaleString("en")} in all, ${totals.violations.length} violations\n`,
  );
}

await (values["every-effect"] ? runEveryEffect() : runSeeds(Number(values.seeds)));
for (const violation of totals.violations) process.stdout.write(`${violation}\n`);
process.stdout.write(`\n${totals.toString()}\n`);
process.exitCode = totals.violations.length === 0 ? 0 : 1;
