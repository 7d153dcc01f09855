import { parseArgs } from "node:util";
import { type ClauseName, mutated } from "./mutation.ts";
import { runSimulation, scenarioOf, wholeRound } from "./run.ts";

/**
 * `npm run mutate -- [--seeds N] [--only TEXT] [--scenario TEXT]`: takes each clause of each conditional write away, in turn, and
 * looks for a seed that notices. A clause that nobody misses is a hole in the tests, or not needed. `--only` is about clauses.
 *
 * A run goes on unchanged until the clause alone would refuse a write; only seeds in which it does are worth a run without it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: String(wholeRound) },
    only: { type: "string", default: "" },
    scenario: { type: "string", default: "" },
  },
});
const seeds = Number(values.seeds);

/** Leases and hints only save work: without their conditions more is done, or done twice, and nothing else may change. */
const isNeedless = (clause: ClauseName) => /^(put|update|remove) (LEASE|LEFT)/.test(clause);

const decidedIn = new Map<ClauseName, number[]>();
for (let seed = 1; seed <= seeds; seed += 1) {
  if (!scenarioOf(seed).name.includes(values.scenario)) continue;
  const decisive = new Set<ClauseName>();
  const onClause = (name: ClauseName) => void decidedIn.set(name, decidedIn.get(name) ?? []);
  const onDecision = (name: ClauseName) => void decisive.add(name);
  await runSimulation({
    seed,
    scenario: scenarioOf(seed),
    wrapTable: (table) => mutated(table, { onClause, onDecision }),
  });
  for (const name of decisive) decidedIn.get(name)?.push(seed);
  if (seed % 100 === 0) process.stderr.write(`${seed}/${seeds} seeds looked through\n`);
}

const clauses = [...decidedIn]
  .filter(([name]) => !isNeedless(name) && name.includes(values.only))
  .sort(([one], [other]) => one.localeCompare(other));
let survived = 0;
for (const [drop, decisive] of clauses) {
  const killed = await findSeed(drop, decisive);
  if (killed === undefined) survived += 1;
  process.stdout.write(
    `${killed === undefined ? "SURVIVED" : "killed"} | ${drop} | decisive in ${decisive.length} | ${killed ?? ""}\n`,
  );
}
process.stdout.write(`${clauses.length} clauses, ${survived} survived\n`);
process.exitCode = survived === 0 ? 0 : 1;

async function findSeed(drop: ClauseName, decisive: readonly number[]): Promise<string | undefined> {
  for (const seed of decisive) {
    const report = await runSimulation({
      seed,
      scenario: scenarioOf(seed),
      wrapTable: (table) => mutated(table, { drop }),
    });
    if (report.violations.length > 0) return `seed ${seed}: ${report.violations[0]}`;
  }
  return undefined;
}
