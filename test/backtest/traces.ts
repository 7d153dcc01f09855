import { readFileSync } from "node:fs";
import type { Mode } from "../../functions/domain/session.ts";
import { seededRandom } from "../support/chance.ts";

/** Requests of one agent that are sent at once. Milliseconds. */
export interface Arrival {
  /** Accepted, and sent: what the agent's own record shows. */
  at: number;
  /** When they really begin: of a batch nobody knows. */
  startedAt: number;
  endedAt: number;
  requests: number;
}

export interface Trace {
  name: string;
  kind: "stationary" | "shifting";
  mode: Mode;
  model: string;
  prefixTokens: number;
  /** Of what could be read by its time, the share that is (best effort). */
  hitRate: number;
  agents: Arrival[][];
}

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
/** How long a real-time call takes; what begins meanwhile cannot read it. */
const callMs = 10_000;

type Random = () => number;

const exponential = (random: Random, meanMs: number) => -Math.log(1 - random()) * meanMs;

/** Requests that come independently of each other, so long apart on average. */
function poisson(random: Random, meanMs: number, { from = 0, days }: { from?: number; days: number }): number[] {
  const times: number[] = [];
  let at = from + exponential(random, meanMs);
  for (; at < from + days * dayMs; at += exponential(random, meanMs)) times.push(at);
  return times;
}

function every(intervalMs: number, { from = 0, days }: { from?: number; days: number }): number[] {
  return Array.from({ length: Math.floor((days * dayMs) / intervalMs) }, (_, index) => from + index * intervalMs);
}

/** Somebody who talks for a while, and comes back some hours later. */
function bursts(random: Random, meanGapMs: number, { perDay, days }: { perDay: number; days: number }): number[] {
  const begins = poisson(random, dayMs / perDay, { days });
  const times = begins.flatMap((begin) => {
    const length = 1 + Math.floor(exponential(random, 8));
    return Array.from({ length }).reduce<number[]>(
      (found) => [...found, (found.at(-1) ?? begin) + 20_000 + exponential(random, meanGapMs)],
      [],
    );
  });
  return times.toSorted((one, other) => one - other);
}

/** Real-time calls; those that come while another runs count with it. */
function calls(times: readonly number[]): Arrival[] {
  const arrivals: Arrival[] = [];
  for (const at of times) {
    const last = arrivals.at(-1);
    if (last !== undefined && at < last.endedAt) last.requests += 1;
    else arrivals.push({ at, startedAt: at, endedAt: at + callMs, requests: 1 });
  }
  return arrivals;
}

/** Batches, whose requests begin at any time of their first half. */
function batches(random: Random, times: readonly number[], most: number): Arrival[] {
  return times.map((at) => {
    const longMs = (5 + random() * 35) * minuteMs;
    return {
      at,
      startedAt: at + (random() * longMs) / 2,
      endedAt: at + longMs,
      requests: 1 + Math.floor(random() * most),
    };
  });
}

const inOrder = (...parts: number[][]) => parts.flat().toSorted((one, other) => one - other);

/**
 * Issue 17112 of OpenClaw, as far as it says: eight agents on Haiku 4.5 with a system prompt of 5,500 tokens, three of them
 * with less than 5 messages a day, and cache writes for 82 % of 2 dollars a day with `short`. A heartbeat every 30 minutes of
 * the other five is what makes that many writes.
 */
function eightAgents(random: Random, days: number): number[][] {
  const busy = Array.from({ length: 5 }, (_, index) =>
    inOrder(
      every(30 * minuteMs, { from: index * minuteMs, days }),
      bursts(random, 2 * minuteMs, { perDay: 0.5, days }),
    ),
  );
  const quiet = [2, 3, 4].map((perDay) => poisson(random, dayMs / perDay, { days }));
  return [...busy, ...quiet];
}

const haiku = { model: "claude-haiku-4-5", prefixTokens: 5_500 };
const realtime = { ...haiku, mode: "realtime", hitRate: 1 } as const;
const batch = { ...haiku, mode: "batch", hitRate: 0.7 } as const;

function stationary(random: Random): Trace[] {
  const kind = "stationary";
  const apart = (minutes: number, days: number) => [calls(poisson(random, minutes * minuteMs, { days }))];
  const grid = (minutes: number, days: number) => [calls(every(minutes * minuteMs, { days }))];
  const batchesEvery = (hours: number, most: number, days: number) => [
    batches(random, every(hours * hourMs, { days }), most),
  ];
  return [
    { ...realtime, kind, name: "8 agents, real time", agents: eightAgents(random, 60).map(calls) },
    {
      ...batch,
      kind,
      name: "8 agents, batched",
      agents: eightAgents(random, 60).map((times) => batches(random, times, 1)),
    },
    { ...realtime, kind, name: "about every 2 minutes", agents: apart(2, 10) },
    { ...realtime, kind, name: "about every 20 minutes", agents: apart(20, 30) },
    { ...realtime, kind, name: "about every 45 minutes", agents: apart(45, 60) },
    { ...realtime, kind, name: "about every 80 minutes (break-even)", agents: apart(80, 240) },
    { ...realtime, kind, name: "about every 6 hours", agents: apart(360, 120) },
    { ...realtime, kind, name: "2 minutes apart, 40 % missed", hitRate: 0.6, agents: apart(2, 10) },
    { ...realtime, kind, name: "on the dot, every 4 minutes", agents: grid(4, 10) },
    { ...realtime, kind, name: "on the dot, every 30 minutes", agents: grid(30, 30) },
    { ...realtime, kind, name: "on the dot, every hour", agents: grid(60, 30) },
    {
      ...realtime,
      kind,
      name: "conversations",
      agents: [calls(bursts(random, 90_000, { perDay: 4, days: 180 }))],
    },
    {
      ...realtime,
      kind,
      name: "slow conversations",
      agents: [calls(bursts(random, 12 * minuteMs, { perDay: 2, days: 180 }))],
    },
    { ...batch, kind, name: "a batch of 1 to 20 each half hour", agents: batchesEvery(0.5, 20, 30) },
    { ...batch, kind, name: "a batch of 1 to 20 each 3 hours", agents: batchesEvery(3, 20, 60) },
    { ...batch, kind, name: "a batch of up to 400 each night", agents: batchesEvery(24, 400, 90) },
  ];
}

function shifting(random: Random): Trace[] {
  const kind = "shifting";
  const about = (minutes: number, from: number, days: number) =>
    poisson(random, minutes * minuteMs, { from: from * dayMs, days });
  const dot = (minutes: number, from: number, days: number) => every(minutes * minuteMs, { from: from * dayMs, days });
  const days = Array.from({ length: 60 }, (_, day) => day);
  const office = days.map((day) => inOrder(about(3, day + 9 / 24, 8 / 24), about(150, day + 17 / 24, 16 / 24)));
  const weeks = days.slice(0, 8).map((week) => about(week % 2 === 0 ? 180 : 3, week * 7, 7));
  const flips = days
    .slice(0, 40)
    .map((block) => every((block % 2 === 0 ? 120 : 2) * minuteMs, { from: block * 4 * dayMs, days: 3 }));
  const flipped = flips.map((times) => times.slice(0, 40));
  const one = (...parts: number[][]) => [calls(inOrder(...parts))];
  return [
    { ...realtime, kind, name: "office hours", agents: one(...office) },
    { ...realtime, kind, name: "quiet and busy weeks", agents: one(...weeks) },
    {
      ...realtime,
      kind,
      name: "4, then 20, then 120 minutes",
      agents: one(dot(4, 0, 5), dot(20, 5, 10), dot(120, 15, 30)),
    },
    {
      ...realtime,
      kind,
      name: "quiet, busy, quiet",
      agents: one(about(240, 0, 20), about(2, 20, 3), about(240, 23, 20)),
    },
    { ...realtime, kind, name: "40 close, 40 apart, and again", agents: one(...flipped) },
    {
      ...batch,
      kind,
      name: "batches each half hour, then each 3 hours",
      agents: [batches(random, inOrder(dot(30, 0, 10), dot(180, 10, 40)), 20)],
    },
  ];
}

/** Times as they were recorded, one agent's: a JSON list of ISO times. @param days how often the same again, a day later each time */
export function recorded(name: string, file: URL | string, days = 1): Trace {
  const times: string[] = JSON.parse(readFileSync(file, "utf8"));
  const all = Array.from({ length: days }, (_, day) => times.map((time) => Date.parse(time) + day * dayMs));
  return { ...realtime, kind: "shifting", name, agents: [calls(inOrder(...all))] };
}

export function allTraces(seed: number): Trace[] {
  const random = seededRandom(seed);
  const commits = new URL("recorded/commits.json", import.meta.url);
  return [...stationary(random), ...shifting(random), recorded("recorded: commits, each day alike", commits, 14)];
}
