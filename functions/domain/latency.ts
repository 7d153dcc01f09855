import type { Lane } from "./config/index.ts";
import { opensAt } from "./lane-hours.ts";
import {
  fallbackLeadSeconds,
  leadPercent,
  maxFallbackLeadSeconds,
  minFallbackLeadSeconds,
  minSamples,
} from "./limits.ts";
import type { Session } from "./session.ts";

/** How long the sessions of one manifest took, or one real-time call. */
export interface Sample {
  at: number;
  /** Half of them took no longer, and nine in ten; of one call, both are its time. */
  typicalSeconds: number;
  slowSeconds: number;
  /** Real time: from acceptance to the call, where nothing but the queue was in between. */
  waitSeconds?: number;
}

/** What may be expected of a lane, from what it did of late. */
export interface Expected {
  typicalSeconds: number;
  slowSeconds: number;
  basedOn: number;
}

/** The smallest value that is no less than this share of them; 0 where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const waitsOf = (samples: readonly Sample[]) =>
  samples.flatMap(({ waitSeconds }) => (waitSeconds === undefined ? [] : [waitSeconds]));

/** `undefined` while there is too little to go by. */
export function expectedFrom(samples: readonly Sample[]): Expected | undefined {
  if (samples.length < minSamples) return undefined;
  const waits = waitsOf(samples);
  const typical = samples.map(({ typicalSeconds }) => typicalSeconds);
  const slow = samples.map(({ slowSeconds }) => slowSeconds);
  return {
    typicalSeconds: Math.ceil(quantile(typical, 0.5) + quantile(waits, 0.5)),
    slowSeconds: Math.ceil(quantile(slow, 0.9) + quantile(waits, 0.9)),
    basedOn: samples.length,
  };
}

/**
 * How long before its deadline a session goes real-time: nearly every call of late would have been in time, with half as
 * much again, besides the sweep that sends it and its wait in the queue.
 */
export function leadSecondsFrom(realtime: readonly Sample[], tickSeconds: number): number {
  if (realtime.length < minSamples) return fallbackLeadSeconds;
  const calls = realtime.map(({ slowSeconds }) => slowSeconds);
  const needed = (leadPercent / 100) * quantile(calls, 0.95) + quantile(waitsOf(realtime), 0.95) + tickSeconds;
  return Math.min(maxFallbackLeadSeconds, Math.max(minFallbackLeadSeconds, Math.ceil(needed)));
}

/** How long a session took that ended in its first turn, but for what it waited for its lane to open. */
export function secondsTaken({ turn, createdAt, endedAt }: Session, lane: Lane | undefined): number | undefined {
  if (turn > 1 || endedAt === undefined) return undefined;
  const begin = lane === undefined ? createdAt : Math.max(createdAt, opensAt(lane, createdAt));
  return Math.max(0, endedAt - begin) / 1000;
}

/** One real-time call that was answered. Only the first call of a session routed real-time waited for nothing but the queue. */
export function callSample(session: Session, startedAt: number, receivedAt: number): Sample {
  const seconds = Math.max(0, receivedAt - startedAt) / 1000;
  const { turn, attempt, sendNo, fellBack, createdAt } = session;
  const isFirst = turn === 1 && attempt === 1 && sendNo === 1 && fellBack !== true;
  const wait = isFirst ? { waitSeconds: Math.max(0, startedAt - createdAt) / 1000 } : {};
  return { at: receivedAt, typicalSeconds: seconds, slowSeconds: seconds, ...wait };
}

/** `undefined` where nobody's time is known. */
export function sampleOf(seconds: readonly number[], at: number): Sample | undefined {
  if (seconds.length === 0) return undefined;
  return { at, typicalSeconds: quantile(seconds, 0.5), slowSeconds: quantile(seconds, 0.9) };
}
