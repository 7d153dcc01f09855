import * as v from "valibot";
import type { Account, Charge } from "./ledger.ts";
import { maxUsageGroups } from "./limits.ts";
import { parseJson, parseRecord } from "./parse.ts";
import { picoText } from "./picos.ts";
import type { Standing } from "./standing.ts";
import { addUsage, noUsage, type Usage, usageSchema } from "./usage.ts";

/** What may be paid: one entry of the ledger, or one that nobody knows the price of. */
export interface Entry {
  account: Account;
  model: string;
  usage?: Usage | undefined;
  charge?: Charge | undefined;
  /** Undefined while its turn goes on. */
  standing?: Standing | undefined;
}

const sumsSchema = v.object({
  results: v.number(),
  /** Of the results: those whose cost is not known. */
  missing: v.number(),
  usage: usageSchema,
  paid: picoText,
  realtime: picoText,
  uncached: picoText,
  cacheWrites: picoText,
  duplicate: picoText,
  late: picoText,
  afterCancel: picoText,
});
/** Sums of entries, in pico-dollars. `duplicate`, `late` and `afterCancel` are what was paid for answers that did not count. */
export type Sums = v.InferOutput<typeof sumsSchema>;

export const dimensions = ["agent", "lane", "label", "model", "cronJob"] as const;
export type Dimension = (typeof dimensions)[number];

/** Sums of all, and by each value of each dimension: entries without one are under no name. */
export interface Rollup {
  all: Sums;
  by: Record<Dimension, Map<string, Sums>>;
}

/** What is said of one who has no label, or no job. */
export const noName = "";
/** Where there are too many to keep, those that cost least are summed under this. */
export const others = "(others)";

export const noSums: Sums = {
  results: 0,
  missing: 0,
  usage: noUsage,
  paid: 0n,
  realtime: 0n,
  uncached: 0n,
  cacheWrites: 0n,
  duplicate: 0n,
  late: 0n,
  afterCancel: 0n,
};

export function emptyRollup(): Rollup {
  return {
    all: noSums,
    by: { agent: new Map(), lane: new Map(), label: new Map(), model: new Map(), cronJob: new Map() },
  };
}

export function addSums(one: Sums, other: Sums): Sums {
  return {
    results: one.results + other.results,
    missing: one.missing + other.missing,
    usage: addUsage(one.usage, other.usage),
    paid: one.paid + other.paid,
    realtime: one.realtime + other.realtime,
    uncached: one.uncached + other.uncached,
    cacheWrites: one.cacheWrites + other.cacheWrites,
    duplicate: one.duplicate + other.duplicate,
    late: one.late + other.late,
    afterCancel: one.afterCancel + other.afterCancel,
  };
}

/** Adds one entry to a rollup that is being made. */
export function addEntry(rollup: Rollup, { account, model, usage = noUsage, charge, standing }: Entry): void {
  const paid = charge?.paid ?? 0n;
  const sums: Sums = {
    ...noSums,
    ...charge,
    results: 1,
    missing: charge === undefined ? 1 : 0,
    usage,
    duplicate: standing === "duplicate" ? paid : 0n,
    late: standing === "late" ? paid : 0n,
    afterCancel: standing === "after-cancel" ? paid : 0n,
  };
  const { agentId, lane, label = noName, cronJob = noName } = account;
  const names = { agent: agentId, lane, label, model, cronJob };
  rollup.all = addSums(rollup.all, sums);
  for (const dimension of dimensions) addTo(rollup.by[dimension], names[dimension], sums);
}

/** Adds all of another rollup to one that is being made. */
export function addRollup(rollup: Rollup, other: Rollup): void {
  rollup.all = addSums(rollup.all, other.all);
  for (const dimension of dimensions) {
    for (const [name, sums] of other.by[dimension]) addTo(rollup.by[dimension], name, sums);
    // Memory stays bounded, whatever a day has of labels.
    if (rollup.by[dimension].size > 2 * maxUsageGroups) rollup.by[dimension] = largest(rollup.by[dimension]);
  }
}

function addTo(groups: Map<string, Sums>, name: string, sums: Sums): void {
  groups.set(name, addSums(groups.get(name) ?? noSums, sums));
}

/** Those that cost most, by themselves, and the others together; in an order that the same entries always have. */
function largest(groups: ReadonlyMap<string, Sums>): Map<string, Sums> {
  const sorted = [...groups].toSorted(([name, one], [otherName, other]) =>
    one.paid === other.paid ? (name < otherName ? -1 : 1) : one.paid > other.paid ? -1 : 1,
  );
  const kept = new Map(sorted.slice(0, maxUsageGroups));
  for (const [, sums] of sorted.slice(maxUsageGroups)) addTo(kept, others, sums);
  return kept;
}

const rollupSchema = v.object({
  all: sumsSchema,
  by: v.object({
    agent: v.array(v.tuple([v.string(), sumsSchema])),
    lane: v.array(v.tuple([v.string(), sumsSchema])),
    label: v.array(v.tuple([v.string(), sumsSchema])),
    model: v.array(v.tuple([v.string(), sumsSchema])),
    cronJob: v.array(v.tuple([v.string(), sumsSchema])),
  }),
});

/** A rollup as it is kept: the same entries always make the same text. */
export function rollupText({ all, by }: Rollup): string {
  const kept = Object.fromEntries(dimensions.map((dimension) => [dimension, [...largest(by[dimension])]]));
  return JSON.stringify({ all, by: kept }, (_, part: unknown) => (typeof part === "bigint" ? `${part}` : part));
}

/** @throws CorruptRecordError */
export function parseRollup(text: string): Rollup {
  const { all, by } = parseRecord(rollupSchema, parseJson(text), "rollup");
  const { agent, lane, label, model, cronJob } = by;
  const maps = {
    agent: new Map(agent),
    lane: new Map(lane),
    label: new Map(label),
    model: new Map(model),
    cronJob: new Map(cronJob),
  };
  return { all, by: maps };
}

/** What of a rollup is of these agents. By anything else it cannot be split: a label may be of several. */
export function ofAgents({ by }: Rollup, agents: readonly string[]): Rollup {
  const mine = new Map([...by.agent].filter(([id]) => agents.includes(id)));
  const { by: none } = emptyRollup();
  return { all: [...mine.values()].reduce(addSums, noSums), by: { ...none, agent: mine } };
}
