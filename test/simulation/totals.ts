import type { RunReport } from "./run.ts";

/** What many runs came to. */
export class Totals {
  runs = 0;
  effects = 0;
  readonly faults = new Map<string, number>();
  readonly marks = new Map<string, number>();
  readonly statuses = new Map<string, number>();
  readonly violations: string[] = [];

  add(report: RunReport): void {
    this.runs += 1;
    this.effects += report.effects;
    merge(this.faults, report.faults);
    merge(this.marks, report.marks);
    merge(this.statuses, report.statuses);
    for (const violation of report.violations)
      this.violations.push(`seed ${report.seed} (${report.scenario}): ${violation}`);
  }

  /** The share of sessions that ended with an answer: a run must not pass because everything failed. */
  get doneShare(): number {
    const all = [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
    return (this.statuses.get("done") ?? 0) / all;
  }

  /** A Markdown table. */
  toString(): string {
    const row = (name: string, value: string | number) => `| ${name} | ${value} |`;
    const rows = (map: ReadonlyMap<string, number>, prefix: string) =>
      [...map]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, count]) => row(`${prefix} ${name}`, count.toLocaleString("en")));
    return [
      row("what", "count"),
      row("---", "---"),
      row("runs", this.runs.toLocaleString("en")),
      row("effects", this.effects.toLocaleString("en")),
      ...rows(this.faults, "fault:"),
      ...rows(this.statuses, "sessions ended"),
      ...rows(this.marks, "reached:"),
      row("invariants violated", this.violations.length),
    ].join("\n");
  }
}

function merge(into: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [name, count] of from) into.set(name, (into.get(name) ?? 0) + count);
}
