import { withoutClause } from "./mutation.ts";
import { runSimulation } from "./run.ts";
import { scenarios } from "./scenarios.ts";

const [seedsText = "300"] = process.argv.slice(2);
const seeds = Number(seedsText);
const seen = new Map<string, number>();
for (let seed = 1; seed <= 100; seed += 1)
  await runSimulation({
    seed,
    scenario: scenarios[seed % scenarios.length]!,
    wrapTable: (table) => withoutClause(table, { seen }),
  });
console.log(seen.size, "clauses");
for (const drop of [...seen.keys()].sort()) {
  let killed: string | undefined;
  for (let seed = 1; seed <= seeds && killed === undefined; seed += 1) {
    const report = await runSimulation({
      seed,
      scenario: scenarios[seed % scenarios.length]!,
      wrapTable: (table) => withoutClause(table, { drop }),
    });
    if (report.violations.length > 0) killed = `${seed} ${report.scenario}: ${report.violations[0]}`;
  }
  console.log(killed === undefined ? "SURVIVED" : "killed  ", drop, seen.get(drop), killed ?? "");
}
