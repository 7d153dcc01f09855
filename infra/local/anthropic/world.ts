import { type Batch, endsAt, isEnded } from "./batch.ts";
import { createCache, type PromptCache } from "./cache.ts";
import { type Chance, createChance } from "./chance.ts";
import { type BillLine, createMemoryJournal, type Journal, type JournalRecord } from "./journal.ts";
import { settleBatch } from "./settle-batch.ts";

export interface Range {
  min: number;
  max: number;
}

export interface WorldOptions {
  /** Milliseconds since the epoch. There are no timers: the state follows from the clock when somebody looks. */
  clock: { now(): number };
  /** The same seed, times and calls give the same ids, orders and answers. */
  seed?: string;
  /** In memory unless given. */
  journal?: Journal;
  /** How long a batch takes until all is done. */
  batchSeconds?: Range;
  /** How long a real-time answer takes. */
  messageSeconds?: Range;
  /** From a cancellation to the end. */
  cancelSeconds?: number;
  /** Requests in unfinished batches of a workspace; more are refused (rate limits: 500,000 in the Scale tier). */
  maxQueuedRequests?: number;
  /** Scheme, host and port of `results_url`; asked each time, since a port may be known late. */
  resultsBase?: () => string;
}

/**
 * Everything the stand-in knows. The journal is the truth and folds back into this after a crash; only the prompt cache
 * starts empty then, as it may at any time.
 */
export interface World extends Required<WorldOptions> {
  chance: Chance;
  cache: PromptCache;
  /** By id, oldest first. */
  batches: Map<string, Batch>;
  /** Those whose end has not been worked out yet. */
  open: Set<Batch>;
  /** Failures so far by task, for directives with `times`. */
  tries: Map<string, number>;
  messages: number;
  /** What real-time calls cost; that of batches is in the journal. */
  realtimeBill: BillLine[];
}

export function createWorld(options: WorldOptions): World {
  const world: World = {
    seed: "offpeak",
    journal: createMemoryJournal(),
    batchSeconds: { min: 4, max: 8 },
    messageSeconds: { min: 0.2, max: 0.8 },
    cancelSeconds: 1,
    maxQueuedRequests: 500_000,
    resultsBase: () => "http://127.0.0.1",
    ...options,
    chance: createChance(options.seed ?? "offpeak"),
    cache: createCache(),
    batches: new Map(),
    open: new Set(),
    tries: new Map(),
    messages: 0,
    realtimeBill: [],
  };
  for (const record of world.journal.load()) replay(world, record);
  return world;
}

function replay(world: World, record: JournalRecord): void {
  if ("tries" in record) for (const [task, count] of Object.entries(record.tries)) world.tries.set(task, count);
  if (record.kind === "message") {
    world.messages += 1;
    if (record.line !== null) world.realtimeBill.push(record.line);
    return;
  }
  if (record.kind === "created") {
    addBatch(world, { head: record.batch, deleted: false });
    return;
  }
  const batch = world.batches.get(record.batchId);
  if (batch === undefined) throw new Error(`the stand-in's journal names a batch it does not know: ${record.batchId}`);
  if (record.kind === "canceled") batch.cancel = { at: record.at, endsAt: record.endsAt };
  if (record.kind === "deleted") batch.deleted = true;
  if (record.kind === "ended") {
    batch.counts = record.counts;
    world.open.delete(batch);
  }
}

export function addBatch(world: World, batch: Batch): void {
  world.batches.set(batch.head.id, batch);
  world.open.add(batch);
}

/** Milliseconds, drawn from a range of seconds. */
export function drawMs(world: World, { min, max }: Range, id: string): number {
  return Math.round((min + (max - min) * world.chance.unit("duration", id)) * 1000);
}

/** Ends what is due by now, in the order of the ends; every call does this before it looks at anything else. */
export function catchUp(world: World): void {
  const now = world.clock.now();
  const due = [...world.open].filter((batch) => isEnded(batch, now)).toSorted((a, b) => endsAt(a) - endsAt(b));
  if (due.length === 0) return;
  for (const batch of due) endBatch(world, batch);
  world.cache.forget(Math.min(now, ...[...world.open].map((batch) => batch.head.createdAt)));
}

function endBatch(world: World, batch: Batch): void {
  const { journal, tries } = world;
  const batchId = batch.head.id;
  const before = new Map(tries);
  const { counts, results, bill } = settleBatch({ batch, requests: journal.lines(batchId, "requests") }, world);
  journal.append({ kind: "ended", batchId, counts, tries: newTries(tries, before) }, [
    { batchId, kind: "results", lines: results },
    { batchId, kind: "bill", lines: bill },
  ]);
  journal.drop(batchId, "requests");
  batch.counts = counts;
  world.open.delete(batch);
}

/** What changed since `before`: all that a record needs to say. */
export function newTries(
  tries: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
): Record<string, number> {
  return Object.fromEntries([...tries].filter(([task, count]) => before.get(task) !== count));
}
