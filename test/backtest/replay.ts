import { type CachePrices, type CacheRun, chooseRetention } from "../../functions/domain/cache-choice.ts";
import type { CacheRetention } from "../../functions/domain/config/index.ts";
import { maxCacheRuns } from "../../functions/domain/limits.ts";
import { seededRandom } from "../support/chance.ts";
import { type Arrival, hourMs, minuteMs, type Trace } from "./traces.ts";

/** What a setting says to a request that is accepted now, from what is known then: the runs that have ended, oldest first. */
export type Policy = (known: readonly CacheRun[], now: number, prices: CachePrices) => CacheRetention;

export const always =
  (retention: CacheRetention): Policy =>
  () =>
    retention;
export const auto: Policy = (known, now, prices) => chooseRetention(known.slice(-maxCacheRuns), now, prices).retention;

export const lifeMs = { short: 5 * minuteMs, long: hourMs } as const;
/** What a request writes can be read once its answer has begun. */
export const firstByteMs = 2_000;

interface Entry {
  kept: keyof typeof lifeMs;
  writtenAt: number;
  usableAt: number;
}

/** How many of these find what is cached, drawn once for all settings. */
export function hitsOf(arrivals: readonly Arrival[], hitRate: number, seed: number): number[] {
  const random = seededRandom(seed);
  return arrivals.map(
    ({ requests }) => Array.from({ length: requests }, random).filter((draw) => draw < hitRate).length,
  );
}

/** What an agent pays for its prefix over a whole trace, in prefixes at the plain price. */
export function replay(trace: Trace, prices: CachePrices, policy: Policy): number {
  return trace.agents.reduce((sum, arrivals, index) => {
    const hits = hitsOf(arrivals, trace.hitRate, index);
    return sum + replayAgent(arrivals, hits, prices, policy);
  }, 0);
}

function replayAgent(
  arrivals: readonly Arrival[],
  hits: readonly number[],
  prices: CachePrices,
  policy: Policy,
): number {
  const runs: CacheRun[] = [];
  let entry: Entry | undefined;
  let cost = 0;
  for (const [index, { at, startedAt, endedAt, requests }] of arrivals.entries()) {
    const retention = policy(endedBefore(runs, at), at, prices);
    const run = { startedAt: at, endedAt, requests, read: 0, written5m: 0, written1h: 0 };
    runs.push(run);
    if (retention === "none") {
      cost += requests;
      continue;
    }
    const isAlive =
      entry !== undefined && entry.usableAt <= startedAt && startedAt < entry.writtenAt + lifeMs[entry.kept];
    run.read = isAlive ? (hits[index] ?? 0) : 0;
    run[retention === "short" ? "written5m" : "written1h"] = requests - run.read;
    cost += run.read * prices.read + (requests - run.read) * prices[retention === "short" ? "write5m" : "write1h"];
    const isLonger = retention === "long" && run.read < requests;
    const kept = isAlive && entry !== undefined && !isLonger ? entry.kept : retention;
    entry = { kept, writtenAt: startedAt, usableAt: isAlive ? startedAt : startedAt + firstByteMs };
  }
  return cost;
}

function endedBefore(runs: readonly CacheRun[], now: number): CacheRun[] {
  return runs.slice(-4 * maxCacheRuns).filter(({ endedAt }) => endedAt <= now);
}

/** The least that anybody could pay who knows all that is to come: over every way of marking, by dynamic programming. */
export function clairvoyant(trace: Trace, prices: CachePrices): number {
  return trace.agents.reduce((sum, arrivals, index) => {
    return sum + leastOf(arrivals, hitsOf(arrivals, trace.hitRate, index), prices);
  }, 0);
}

type Costs = Record<"cold" | "short" | "long", number>;

function leastOf(
  arrivals: readonly Arrival[],
  hits: readonly number[],
  { read, write5m, write1h }: CachePrices,
): number {
  let costs: Costs = { cold: 0, short: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY };
  let before = Number.NEGATIVE_INFINITY;
  for (const [index, { startedAt, requests }] of arrivals.entries()) {
    const hit = hits[index] ?? 0;
    const age = startedAt - before;
    const isAlive = (kept: keyof typeof lifeMs) => firstByteMs <= age && age < lifeMs[kept];
    const warm = (write: number) => hit * read + (requests - hit) * write;
    const fromCold = Math.min(
      costs.cold,
      isAlive("short") ? Number.POSITIVE_INFINITY : costs.short,
      isAlive("long") ? Number.POSITIVE_INFINITY : costs.long,
    );
    const fromShort = isAlive("short") ? costs.short : Number.POSITIVE_INFINITY;
    const fromLong = isAlive("long") ? costs.long : Number.POSITIVE_INFINITY;
    const isMissed = hit < requests;
    costs = {
      cold: Math.min(fromCold, fromShort, fromLong) + requests,
      short: Math.min(fromCold + requests * write5m, fromShort + warm(write5m)),
      long: Math.min(
        fromCold + requests * write1h,
        isMissed ? fromShort + warm(write1h) : Number.POSITIVE_INFINITY,
        fromLong + warm(write5m),
      ),
    };
    before = startedAt;
  }
  return Math.min(costs.cold, costs.short, costs.long);
}
