import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import type { Bench } from "./measure.ts";
import { partOf, saveParts } from "./report.ts";

/**
 * `npm run bench [-- --only NAME --runs N]`: runs each bench in a process of its own, one after the other, prints what it found and
 * writes it to `RESULTS.md`. Ends non-zero where one could not be run; a target that is missed is a result, not a failure.
 */
const { values } = parseArgs({
  options: { only: { type: "string" }, runs: { type: "string", default: "5" }, inside: { type: "string" } },
});

if (values.inside !== undefined) await runInside(values.inside);
else await runAll(values.only);

async function runAll(only: string | undefined): Promise<void> {
  const chosen = benches.filter(({ name }) => only === undefined || name === only);
  const known = benches.map(({ name }) => name);
  if (chosen.length === 0) throw new Error(`no bench ${only}; there are ${known.join(", ")}`);
  for (const bench of chosen) {
    const part = await runApart(bench);
    if (part === undefined) process.exitCode = 1;
    else {
      process.stdout.write(`${part}\n\n`);
      saveParts(new Map([[bench.name, part]]), known);
    }
  }
}

/** Its output comes on a pipe of its own, since the functions write their log on standard output. */
async function runApart({ name }: Bench): Promise<string | undefined> {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [self, "--inside", name, "--runs", values.runs], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  let part = "";
  child.stdio[3]?.on("data", (chunk: Buffer) => {
    part += chunk.toString("utf8");
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  return code === 0 && part !== "" ? part : undefined;
}

async function runInside(name: string): Promise<void> {
  const { createWriteStream } = await import("node:fs");
  const bench = benches.find((one) => one.name === name);
  if (bench === undefined) throw new Error(`no bench ${name}`);
  const part = partOf(bench, await bench.run(Number(values.runs)));
  const out = createWriteStream("", { fd: 3 });
  await new Promise<void>((resolve) => out.end(part, () => resolve()));
}
