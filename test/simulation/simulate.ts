import { parseArgs } from "node:util";
import { runSimulation } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { Totals } from "./totals.ts";

/** `npm run simulate -- --seeds N [--seed S] [--trace]` */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const totals = new Totals();
for (let seed = first; seed < first + count; seed += 1) {
  const scenario = scenarios[seed % scenarios.length];
  if (scenario === undefined) continue;
  const report = await runSimulation({ seed, scenario });
  totals.add(report);
  if (values.trace) process.stdout.write(`${report.trace.join("\n")}\n`);
  for (const violation of report.violations) process.stdout.write(`seed ${seed} (${scenario.name}): ${violation}\n`);
  if (seed % 100 === 0)
    process.stderr.write(
      `\r${seed - first + 1}/${count} seeds, ${totals.effects} effects, ${totals.violations.length} violations `,
    );
}
process.stdout.write(`\n${totals.toString()}\n`);
process.exitCode = totals.violations.length === 0 ? 0 : 1;
