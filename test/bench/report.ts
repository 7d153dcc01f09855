import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { type Bench, type BenchTable, type Figure, median, type Section, short } from "./measure.ts";

const resultsPath = new URL("RESULTS.md", import.meta.url);

const preamble = `# Benchmarks

Written by \`npm run bench\`; \`npm run bench -- --only NAME\` replaces the part of one. Each ratio is of two sides measured in turn in one run.
`;

/** A part as it stands in the file: when, where and what. */
export function partOf(bench: Bench, section: Section): string {
  const figures = section.figures.map(figureRow);
  const head = ["what", "median", "min", "max", "runs", "to reach", ""];
  return [
    `## ${bench.name}: ${bench.title}`,
    `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${commit()}, ${machine()}.`,
    ...(figures.length === 0 ? [] : [markdown({ title: "", head, rows: figures })]),
    ...section.tables.map(markdown),
    ...section.notes,
  ].join("\n\n");
}

function figureRow({ what, unit, samples, target }: Figure): string[] {
  const middle = median(samples);
  const verdict = target === undefined ? "" : target.isMet(middle) ? "reached" : "**missed**";
  const show = (value: number) => `${short(value)}${unit === "" ? "" : ` ${unit}`}`;
  const bounds = [show(Math.min(...samples)), show(Math.max(...samples))];
  return [what, show(middle), ...bounds, String(samples.length), target?.text ?? "", verdict];
}

function markdown({ title, head, rows }: BenchTable): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [...(title === "" ? [] : [`**${title}**`, ""]), ...lines].join("\n");
}

function commit(): string {
  try {
    const changes = execFileSync("git", ["status", "--porcelain", "--", "functions", "infra"], { encoding: "utf8" });
    const hash = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
    return changes === "" ? hash : `${hash} with changes`;
  } catch {
    return "unknown";
  }
}

function machine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? "?"}, ${gigabytes} GB, Node ${process.versions.node}`;
}

/** Puts a part in its place among the others, in the order of the benches. */
export function saveParts(parts: ReadonlyMap<string, string>, order: readonly string[]): void {
  const kept = new Map([...oldParts(), ...parts]);
  const names = order.filter((name) => kept.has(name));
  writeFileSync(resultsPath, `${[preamble.trim(), ...names.map((name) => kept.get(name)?.trim())].join("\n\n")}\n`);
}

function oldParts(): Map<string, string> {
  if (!existsSync(resultsPath)) return new Map();
  const parts = readFileSync(resultsPath, "utf8").split(/^(?=## )/m);
  return new Map(
    parts.flatMap((part) => {
      const name = /^## ([a-z-]+):/.exec(part)?.[1];
      return name === undefined ? [] : [[name, part] as const];
    }),
  );
}
