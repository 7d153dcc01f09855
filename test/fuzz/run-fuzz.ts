import { parseArgs } from "node:util";
import { fuzz, targets } from "./fuzz.ts";

/** `npm run fuzz -- --cases 100000 --seed 7 --only routes`: prints what fails, and its seed. */
const option = { type: "string" } as const;
const { values } = parseArgs({ options: { cases: option, seed: option, only: option } });
const cases = Number(values.cases ?? 100_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const began = performance.now();
const seconds = () => Math.round((performance.now() - began) / 1000);

process.stdout.write(`seed ${seed}, ${cases} cases\n`);
let done = 0;
let failures = 0;
for (const one of targets.filter(({ target }) => target.name.includes(values.only ?? ""))) {
  const { name, cases: run, failure } = await fuzz(one, cases, seed);
  done += run;
  if (failure !== undefined) failures += 1;
  process.stdout.write(
    `${String(done).padStart(7)} cases, ${String(seconds()).padStart(4)} s: ${name}${failure === undefined ? "" : `\n${failure}\n`}\n`,
  );
}
process.stdout.write(`${done} cases, ${failures} failures, seed ${seed}\n`);
process.exitCode = failures === 0 ? 0 : 1;
