import { type PicoUsd, toUsd, usdText } from "./picos.ts";
import { addSums, type Dimension, dimensions, noName, noSums, type Rollup, type Sums } from "./rollup.ts";
import { promptTokens } from "./usage.ts";

export const groupings = [...dimensions, "day"] as const;
export type Grouping = Dimension | "day";

/** Sums of some days, and what of their cache writes nobody read, which is told a day at a time. */
interface Line {
  sums: Sums;
  unread: PicoUsd;
}

export interface Report {
  groupBy: Grouping;
  totals: Line;
  groups: Map<string, Line>;
}

export function emptyReport(groupBy: Grouping): Report {
  return { groupBy, totals: { sums: noSums, unread: 0n }, groups: new Map() };
}

/** Adds a day to a report that is being made. */
export function addDay(report: Report, day: string, rollup: Rollup): void {
  const { groupBy, groups } = report;
  const whole = { sums: rollup.all, unread: sumOf([...rollup.by.agent.values()].map(unreadWrites)) };
  report.totals = addLines(report.totals, whole);
  const lines = groupBy === "day" ? [[day, whole] as const] : [...rollup.by[groupBy]].map(toLine);
  for (const [name, line] of lines) groups.set(name, addLines(groups.get(name), line));
}

/** Days in order, others from the dearest down. */
function sorted({ groupBy, groups }: Report): [name: string, line: Line][] {
  return [...groups].toSorted(([name, one], [otherName, other]) =>
    groupBy === "day" || one.sums.paid === other.sums.paid
      ? name.localeCompare(otherName)
      : Number(other.sums.paid - one.sums.paid),
  );
}

const sumOf = (amounts: readonly PicoUsd[]) => amounts.reduce((sum, one) => sum + one, 0n);
const toLine = ([name, sums]: [string, Sums]) => [name, { sums, unread: unreadWrites(sums) }] as const;

function addLines(one: Line | undefined, other: Line): Line {
  return one === undefined ? other : { sums: addSums(one.sums, other.sums), unread: one.unread + other.unread };
}

/**
 * What was paid, over the plain price, to write tokens to a cache that nobody read that day: at least so much, since of
 * tokens that were read more than once the others may have been read by nobody.
 */
function unreadWrites({ usage: { cacheWrite, cacheRead }, cacheWrites }: Sums): PicoUsd {
  const unread = Math.max(0, cacheWrite - cacheRead);
  return unread === 0 ? 0n : (cacheWrites * BigInt(unread)) / BigInt(cacheWrite);
}

/** Every amount by its name, in pico-dollars. */
function amountsOf({ sums, unread }: Line) {
  const { paid, realtime, uncached, cacheWrites, duplicate, late, afterCancel } = sums;
  return {
    totalUsd: paid,
    realtimeUsd: realtime,
    savedUsd: realtime - paid,
    wastedUsd: duplicate + late + afterCancel,
    savings: { batchUsd: realtime - paid, cacheReadsUsd: uncached - paid + cacheWrites },
    cacheWritesUsd: cacheWrites,
    waste: { duplicatesUsd: duplicate, lateUsd: late, afterCancelUsd: afterCancel, unreadCacheWritesUsd: unread },
  };
}

/** The share of all prompt tokens that came from a cache. */
function hitRate({ usage }: Sums): number | null {
  const prompt = promptTokens(usage);
  return prompt === 0 ? null : usage.cacheRead / prompt;
}

/** A report as JSON shows it, amounts in dollars. */
export function reportJson(report: Report) {
  const { groupBy, totals } = report;
  return {
    groupBy,
    totals: lineJson(totals),
    groups: sorted(report).map(([name, line]) => ({ [groupBy]: name === noName ? null : name, ...lineJson(line) })),
  };
}

function lineJson(line: Line) {
  const { results, missing, usage } = line.sums;
  const { savings, waste, ...amounts } = amountsOf(line);
  return {
    results,
    missing,
    usage,
    hitRate: hitRate(line.sums),
    ...inUsd(amounts),
    savings: inUsd(savings),
    waste: inUsd(waste),
  };
}

function inUsd<K extends string>(amounts: Record<K, PicoUsd>): object {
  return Object.fromEntries(Object.entries<PicoUsd>(amounts).map(([name, amount]) => [name, toUsd(amount)]));
}

/** The groups as a table with a head (RFC 4180), amounts in dollars, exactly. */
export function reportCsv(report: Report): string {
  const head = [report.groupBy, ...Object.keys(cellsOf(report.totals))];
  const rows = sorted(report).map(([name, line]) => [quoted(name), ...Object.values(cellsOf(line))]);
  return [head, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function cellsOf(line: Line): Record<string, string> {
  const { results, missing, usage } = line.sums;
  const { savings, waste, ...amounts } = amountsOf(line);
  const texts = Object.entries({ ...amounts, ...savings, ...waste }).map(([name, amount]) => [name, usdText(amount)]);
  const counts = Object.entries({ results, missing, ...usage }).map(([name, count]) => [name, String(count)]);
  return Object.fromEntries([...counts, ["hitRate", String(hitRate(line.sums) ?? "")], ...texts]);
}

/** A spreadsheet would run what begins as a formula does, and a label is what a caller made of it. */
function quoted(name: string): string {
  const text = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
