import { maxUsageGroups } from "./limits.ts";
import { type PicoUsd, toUsd, usdText } from "./picos.ts";
import { addSums, type Dimension, dimensions, noName, noSums, others, type Rollup, type Sums } from "./rollup.ts";
import { promptTokens } from "./usage.ts";

export const groupings = [...dimensions, "day"] as const;
export type Grouping = Dimension | "day";

/**
 * Sums of some days, and what of their cache writes nobody read, which is told a day and an agent at a time. Of a label (or
 * lane, …) nobody knows: what it wrote may have been read under another.
 */
interface Line {
  sums: Sums;
  unread: PicoUsd | undefined;
}

/** So many groups are kept while days are added, however many labels they have, and the dearest `maxUsageGroups` in the end. */
const maxGroupsAtOnce = 10 * maxUsageGroups;

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
  const { groupBy } = report;
  const whole = { sums: rollup.all, unread: sumOf([...rollup.by.agent.values()].map(unreadWrites)) };
  report.totals = addLines(report.totals, whole);
  if (groupBy === "day") addGroup(report.groups, day, whole);
  else for (const [name, sums] of rollup.by[groupBy]) addGroup(report.groups, name, toLine(sums, groupBy));
  if (report.groups.size > maxGroupsAtOnce) report.groups = dearest(report.groups);
}

const sumOf = (amounts: readonly PicoUsd[]) => amounts.reduce((sum, one) => sum + one, 0n);

function toLine(sums: Sums, groupBy: Dimension): Line {
  return { sums, unread: groupBy === "agent" ? unreadWrites(sums) : undefined };
}

function addGroup(groups: Map<string, Line>, name: string, line: Line): void {
  groups.set(name, addLines(groups.get(name), line));
}

/** Days in order, others from the dearest down. */
function sorted({ groupBy, groups }: Report): [name: string, line: Line][] {
  const kept = [...dearest(groups)];
  return groupBy === "day" ? kept.toSorted(([name], [other]) => name.localeCompare(other)) : kept.toSorted(byPrice);
}

function byPrice([name, one]: [string, Line], [otherName, other]: [string, Line]): number {
  return one.sums.paid === other.sums.paid ? name.localeCompare(otherName) : Number(other.sums.paid - one.sums.paid);
}

/** Those that cost most, by themselves, and the others together: an answer has to fit what Lambda takes (6 MB). */
function dearest(groups: ReadonlyMap<string, Line>): Map<string, Line> {
  const ordered = [...groups].toSorted(byPrice);
  const kept = new Map(ordered.slice(0, maxUsageGroups));
  for (const [, line] of ordered.slice(maxUsageGroups)) addGroup(kept, others, line);
  return kept;
}

function addLines(one: Line | undefined, other: Line): Line {
  if (one === undefined) return other;
  const unread = one.unread === undefined || other.unread === undefined ? undefined : one.unread + other.unread;
  return { sums: addSums(one.sums, other.sums), unread };
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

type Amounts = Record<string, PicoUsd | undefined>;

function inUsd(amounts: Amounts): object {
  return Object.fromEntries(
    Object.entries(amounts).map(([name, amount]) => [name, amount === undefined ? null : toUsd(amount)]),
  );
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
  const all: Amounts = { ...amounts, ...savings, ...waste };
  const texts = Object.entries(all).map(([name, amount]) => [name, amount === undefined ? "" : usdText(amount)]);
  const counts = Object.entries({ results, missing, ...usage }).map(([name, count]) => [name, String(count)]);
  return Object.fromEntries([...counts, ["hitRate", String(hitRate(line.sums) ?? "")], ...texts]);
}

/** A spreadsheet would run what begins as a formula does, and a label is what a caller made of it. */
function quoted(name: string): string {
  const text = /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
