import { parseArgs } from "node:util";
import { eachFault, eachPair } from "./crashes.ts";
import { seeded } from "./random.ts";
import { type RunReport, runSimulation, scenarioOf } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { faultKinds } from "./scheduler.ts";
import { Totals } from "./totals.ts";

/**
 * `npm run simulate -- --seeds N [--seed S] [--trace]`: N seeds, each with a scenario, an interleaving and faults of its own.
 * `npm run simulate -- --every-effect [--only NAME]`: each fault at each single call that changes something, of each scenario.
 * `npm run simulate -- --pairs [--share 0.1] [--only NAME]`: a crash at each pair of such calls, or at a share of the pairs.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    share: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    trace: { type: "boolean", default: false },
    "every-effect": { type: "boolean", default: false },
    pairs: { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const totals = new Totals();

function take(report: RunReport, about: () => string): void {
  totals.add(report);
  for (const violation of report.violations)
    process.stderr.write(`seed ${report.seed} (${report.scenario}): ${violation}\n`);
  if (values.trace) process.stdout.write(`${report.trace.join("\n")}\n`);
  if (totals.runs % 200 !== 0) return;
  const effects = totals.effects.toLocaleString("en");
  process.stderr.write(`${about()}: ${totals.runs} runs, ${effects} effects, ${totals.violations.length} violations\n`);
}

async function runSeeds(count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1)
    take(await runSimulation({ seed, scenario: scenarioOf(seed) }), () => `seed ${seed}`);
}

async function runCrashes(): Promise<void> {
  const random = seeded(first);
  const isTaken = () => random.chance(Number(values.share));
  for (const scenario of scenarios.filter(({ name }) => name.includes(values.only))) {
    const runs = values.pairs ? eachPair(scenario, first, isTaken) : eachFault(scenario, first, faultKinds);
    for await (const report of runs) take(report, () => scenario.name);
  }
}

await (values["every-effect"] || values.pairs ? runCrashes() : runSeeds(Number(values.seeds)));
for (const violation of totals.violations) process.stdout.write(`${violation}\n`);
process.stdout.write(`\n${totals.toString()}\n`);
process.exitCode = totals.violations.length === 0 ? 0 : 1;
