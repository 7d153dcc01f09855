import * as v from "valibot";
import type { Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { sha256 } from "../domain/ids.ts";
import { type Expected, expectedFrom, leadSecondsFrom, type Sample } from "../domain/latency.ts";
import { sampleDays, sampleSlots } from "../domain/limits.ts";
import { time } from "../domain/parse.ts";
import { realtimeQueue } from "../domain/queue-message.ts";
import { daysLater } from "../domain/retention.ts";
import { itemVersion, readItem } from "./versions.ts";

/** How long work took of late, by lane, and for real-time calls. A forecast rests on it, and no promise does. */
export interface Latencies {
  /** @param source the manifest or real-time attempt, so that a repeat replaces its own */
  record(lane: string, source: string, sample: Sample): Promise<void>;
  /** Of the lanes of these sessions, and of real time; one of which too little is known is left out. */
  expected(sessions: readonly { lane: string }[]): Promise<ReadonlyMap<string, Expected>>;
  /** How long before its deadline a session goes real-time. */
  leadMs(): Promise<number>;
}

const schema = v.object({
  at: time,
  typicalSeconds: v.number(),
  slowSeconds: v.number(),
  waitSeconds: v.exactOptional(v.number()),
});

const cachedMs = 60_000;
const partitionOf = (lane: string) => `LATENCY#${lane}`;

/** A fixed number of slots, each put without a condition: writers never meet, and the oldest go as new ones come. */
export function latencyStore(table: Table, clock: Clock, tickSeconds: number): Latencies {
  const cache = new Map<string, { readAt: number; samples: Promise<Sample[]> }>();
  const samplesOf = (lane: string): Promise<Sample[]> => {
    const cached = cache.get(lane);
    if (cached !== undefined && clock.now() - cached.readAt < cachedMs) return cached.samples;
    const samples = readSamples(table, lane, clock.now());
    cache.set(lane, { readAt: clock.now(), samples });
    return samples;
  };
  return {
    async record(lane, source, sample) {
      const slot = Number.parseInt(sha256(source).slice(0, 8), 16) % sampleSlots;
      const sk = `SAMPLE#${String(slot).padStart(2, "0")}`;
      try {
        await table.put({
          item: { pk: partitionOf(lane), sk, v: itemVersion, ...sample, expiresAt: daysLater(sample.at, sampleDays) },
          when: [],
        });
      } catch {
        // One figure fewer; what it was taken from is kept, and must go on.
      }
    },
    async expected(sessions) {
      const found = new Map<string, Expected>();
      for (const lane of new Set([realtimeQueue, ...sessions.map((session) => session.lane)])) {
        const expected = expectedFrom(await samplesOf(lane));
        if (expected !== undefined) found.set(lane, expected);
      }
      return found;
    },
    async leadMs() {
      return leadSecondsFrom(await samplesOf(realtimeQueue), tickSeconds) * 1000;
    },
  };
}

/** A table that is away costs a forecast, and must not cost the move or the answer that asked for one. */
async function readSamples(table: Table, lane: string, now: number): Promise<Sample[]> {
  try {
    const { items } = await table.query({ pk: partitionOf(lane), prefix: "SAMPLE#" });
    const samples = items.map((item) => readItem(schema, item, `${item.pk} ${item.sk}`));
    return samples.filter(({ at }) => now - at < sampleDays * 24 * 3_600_000);
  } catch {
    return [];
  }
}
