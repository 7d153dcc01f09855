import { parseArgs } from "node:util";
import { withoutClause } from "./mutation.ts";
import { runSimulation } from "./run.ts";
import { scenarios } from "./scenarios.ts";

/**
 * `npm run mutate -- [--seeds N] [--only TEXT]`: takes each clause of each conditional write away, in turn, and looks for
 * a seed that notices. A clause that nobody misses is a hole in the tests, or not needed.
 */
const { values } = parseArgs({
  options: { seeds: { type: "string", default: "650" }, only: { type: "string", default: "" } },
});
const seeds = Number(values.seeds);

/** Leases only save work: without their conditions more is done twice, and nothing else may change. */
const needless = (clause: string) => clause.includes(" LEASE");

const scenarioOf = (seed: number) => scenarios[seed % scenarios.length]!;
const seen = new Map<string, number>();
for (let seed = 1; seed <= 200; seed += 1) {
  await runSimulation({ seed, scenario: scenarioOf(seed), wrapTable: (table) => withoutClause(table, { seen }) });
}
const clauses = [...seen.keys()].filter((name) => !needless(name) && name.includes(values.only)).sort();
const survivors: string[] = [];
for (const drop of clauses) {
  const killed = await findSeed(drop);
  if (killed === undefined) survivors.push(drop);
  process.stdout.write(
    `${killed === undefined ? "SURVIVED" : "killed"} | ${drop} | ${seen.get(drop)} times | ${killed ?? ""}\n`,
  );
}
process.stdout.write(`${clauses.length} clauses, ${survivors.length} survived\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;

async function findSeed(drop: string): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const report = await runSimulation({
      seed,
      scenario: scenarioOf(seed),
      wrapTable: (table) => withoutClause(table, { drop }),
    });
    if (report.violations.length > 0) return `seed ${seed}: ${report.violations[0]}`;
  }
  return undefined;
}
