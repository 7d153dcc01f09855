import type { CacheRetention } from "./config/index.ts";
import { cacheHalfLifeRuns } from "./limits.ts";

/** Requests that were sent at once, as one batch or one real-time call: when, and what became of their cached tokens. */
export interface CacheRun {
  startedAt: number;
  endedAt: number;
  requests: number;
  /** Tokens read, and written for five minutes and for an hour; all 0 where nothing was marked, or all was too short. */
  read: number;
  written5m: number;
  written1h: number;
}

/** What a token costs that is read or written, as multiples of its plain input price. */
export interface CachePrices {
  read: number;
  write5m: number;
  write1h: number;
}

export type CacheCosts = Readonly<Record<CacheRetention, number>>;

export interface CacheChoice {
  retention: CacheRetention;
  why: string;
  /** What a request is expected to pay for its prefix, as a multiple of what it costs uncached. */
  costs?: CacheCosts;
  /** Of what could be read by its time, the share that was: after five minutes at most, and after an hour. */
  hitRate?: Readonly<Record<"short" | "long", number>>;
  /** So many runs. */
  basedOn: number;
}

const lifeMs = { short: 5 * 60_000, long: 60 * 60_000 } as const;
type Kept = keyof typeof lifeMs;

/** Before anything is measured: nine in ten, with the weight of four runs. Anthropic gives 30 to 98 % for batches. */
const assumed = { hitRate: 0.9, runs: 4 } as const;

/**
 * Chooses for the next request of an agent, which is accepted now. With `F` the share of requests that began within an
 * entry's life of those before, and `h` the share of them that found it, as measured, a marked request pays on average
 * `F·h` reads and `1 − F·h` writes; an unmarked one pays 1. Where a batch's requests really start nobody knows, nor whether
 * those sent close together saw each other: `h` says what came of it. While an entry is alive a marked request reads it,
 * whatever is to come.
 */
export function chooseRetention(runs: readonly CacheRun[], now: number, prices: CachePrices): CacheChoice {
  const ordered = runs.toSorted((one, other) => one.startedAt - other.startedAt);
  const basedOn = ordered.length;
  if (basedOn === 0) return { retention: "short", why: "short, until something is known of its requests", basedOn };
  const { hitRate, kept, aliveUntil } = replay(ordered);
  const shares = { short: shareWithin(ordered, "short", prices), long: shareWithin(ordered, "long", prices) };
  const costs = {
    none: 1,
    short: mixed(shares.short * hitRate.short, prices.read, prices.write5m),
    long: mixed(shares.long * hitRate.long, prices.read, prices.write1h),
  };
  const marked: Kept = costs.long < costs.short ? "long" : "short";
  const isWarm = kept !== undefined && now < aliveUntil;
  const isRead = isWarm && mixed(hitRate[kept], prices.read, marked === "long" ? prices.write1h : prices.write5m) < 1;
  const retention = isRead || costs[marked] <= 1 ? marked : "none";
  const reason = reasonOf(shares, costs);
  const why =
    isRead && costs[marked] > 1 ? `${marked}, to read what is cached still; ${reason}` : `${retention}: ${reason}`;
  return { retention, why, costs, hitRate, basedOn };
}

function mixed(share: number, read: number, write: number): number {
  return share * read + (1 - share) * write;
}

function reasonOf(shares: Record<Kept, number>, costs: CacheCosts): string {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const came = `${percent(shares.short)} of its requests come within 5 minutes of those before, ${percent(shares.long)} within the hour`;
  return `${came}; a prefix costs ${costs.short.toFixed(2)} with short, ${costs.long.toFixed(2)} with long, 1 with none`;
}

/** The newest counts 1, one of `cacheHalfLifeRuns` before it a half. */
function weightOf(index: number, count: number): number {
  return 2 ** ((index + 1 - count) / cacheHalfLifeRuns);
}

/** What was cached when: how much of what could be read was, and what is alive now. A read renews an entry for free. */
function replay(runs: readonly CacheRun[]) {
  const hits = { short: assumed.hitRate * assumed.runs, long: assumed.hitRate * assumed.runs };
  const tries: Record<Kept, number> = { short: assumed.runs, long: assumed.runs };
  let kept: Kept | undefined;
  let writtenAt = 0;
  for (const [index, { startedAt, read, written5m, written1h }] of runs.entries()) {
    const tokens = read + written5m + written1h;
    if (tokens === 0) continue;
    const age = startedAt - writtenAt;
    const isAlive = kept !== undefined && age < lifeMs[kept];
    const weight = weightOf(index, runs.length);
    for (const kind of ["short", "long"] as const) {
      // What lives for an hour says how it is with five minutes too, and the other way round.
      if (!isAlive || age >= lifeMs[kind]) continue;
      hits[kind] += (weight * read) / tokens;
      tries[kind] += weight;
    }
    if (written1h > 0) kept = "long";
    else if (written5m > 0 && !(isAlive && kept === "long")) kept = "short";
    writtenAt = startedAt;
  }
  const hitRate = { short: hits.short / tries.short, long: hits.long / tries.long };
  return { hitRate, kept, aliveUntil: kept === undefined ? 0 : writtenAt + lifeMs[kept] };
}

/**
 * The share of requests that began within an entry's life of those before. The newer count more; and with the weight of one
 * run the share at which marking makes no difference, so that the first gap decides.
 */
function shareWithin(runs: readonly CacheRun[], kept: Kept, { read, write5m, write1h }: CachePrices): number {
  const write = kept === "short" ? write5m : write1h;
  const one = runs.reduce((sum, { requests }) => sum + requests, 0) / runs.length;
  let within = (one * (write - 1)) / (write - read);
  let all = one;
  for (const [index, run] of runs.entries()) {
    const before = runs[index - 1];
    if (before === undefined) continue;
    const weight = run.requests * weightOf(index, runs.length);
    all += weight;
    if (run.startedAt - before.startedAt < lifeMs[kept]) within += weight;
  }
  return within / all;
}
