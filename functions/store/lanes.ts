import * as v from "valibot";
import type { Clause, Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { maxParkSeconds } from "../domain/limits.ts";
import { time } from "../domain/parse.ts";
import { itemVersion, readableItem } from "./versions.ts";

const schema = v.object({
  reason: v.string(),
  since: time,
  until: time,
  /** How long this stay is; the next is twice as long. */
  seconds: v.number(),
  /** An accepted create proves nothing here: results said that there is no credit. Only a result ends it. */
  untilResult: v.exactOptional(v.boolean()),
  /** Who went ahead (a manifest, or a real-time attempt), and until when nobody else does. */
  probe: v.exactOptional(v.string()),
  probeEndsAt: v.exactOptional(v.number()),
});

/** Why a lane waits. It stays until a probe did well; from `until` on, one session at a time goes ahead as one. */
export type Parked = v.InferOutput<typeof schema>;

export interface Lanes {
  parked(lane: string): Promise<Parked | undefined>;
  /** A call was refused, or a probe came to nothing: parks, or parks for longer. */
  park(lane: string, reason: string, retryAfterSeconds?: number): Promise<Parked>;
  /** Results were refused: parks until a result was not. One that is parked already waits no longer for it. */
  parkUntilResult(lane: string, reason: string): Promise<Parked>;
  /** Notes who goes ahead; `false` when somebody else does, or the lane is no longer parked as it was seen. */
  probe(lane: string, seen: Parked, probe: { by: string; endsAt: number }): Promise<boolean>;
  /** Back to the start, unless something was learned since it was seen. */
  resume(lane: string, seen: Parked): Promise<boolean>;
  /** When the lane last formed batches; 0 when it never did. */
  flushedAt(lane: string): Promise<number>;
  noteFlush(lane: string): Promise<void>;
}

const flushKey = (lane: string) => ({ pk: `LANE#${lane}`, sk: "FLUSH" });
const stateKey = (lane: string) => ({ pk: `LANE#${lane}`, sk: "STATE" });

/** @param parkSeconds the first stay; each that follows without a probe that did well is twice as long, up to an hour */
export function laneStore(table: Table, clock: Clock, parkSeconds: number): Lanes {
  const parked = async (lane: string) => {
    const item = await table.get(stateKey(lane));
    if (item === undefined || item["reason"] === undefined) return undefined;
    const read = readableItem(schema, item);
    if (read !== undefined) return read;
    // Nobody knows why it waits. So it waits on, for all to see, and nobody who is in it is held to be at fault.
    const now = clock.now();
    return { reason: "unreadable", since: now, until: now + maxParkSeconds * 1000, seconds: maxParkSeconds };
  };
  /** Whoever was quicker had a reason too: then theirs is the state. */
  const replace = async (lane: string, before: Parked | undefined, state: Parked): Promise<Parked> => {
    const found = await table.put({ item: { ...stateKey(lane), v: itemVersion, ...state }, when: asSeen(before) });
    return found.moved ? state : ((await parked(lane)) ?? state);
  };
  return {
    parked,
    async park(lane, reason, retryAfterSeconds = 0) {
      const now = clock.now();
      const before = await parked(lane);
      // Several refusals of one tick are one stay.
      if (before !== undefined && before.until > now) return before;
      const seconds = before === undefined ? parkSeconds : Math.min(maxParkSeconds, before.seconds * 2);
      // A probe of one an hour costs nothing, and finds out when a limit was raised before its time.
      const stay = Math.min(maxParkSeconds, Math.max(seconds, retryAfterSeconds));
      const { since = now, untilResult } = before ?? {};
      const kept = untilResult === undefined ? {} : { untilResult };
      return replace(lane, before, { reason, since, until: now + stay * 1000, seconds, ...kept });
    },
    async parkUntilResult(lane, reason) {
      const now = clock.now();
      const before = await parked(lane);
      // Batches that were sent before the first refusal have nothing new to say.
      if (before?.untilResult === true) return before;
      const { since = now, seconds = parkSeconds, until = now + parkSeconds * 1000 } = before ?? {};
      return replace(lane, before, { reason, since, until, seconds, untilResult: true });
    },
    async probe(lane, seen, { by, endsAt }) {
      const item = { ...stateKey(lane), v: itemVersion, ...seen, probe: by, probeEndsAt: endsAt };
      return (await table.put({ item, when: asSeen(seen) })).moved;
    },
    async resume(lane, seen) {
      return (await table.put({ item: { ...stateKey(lane), v: itemVersion }, when: asSeen(seen) })).moved;
    },
    async flushedAt(lane) {
      const item = await table.get(flushKey(lane));
      return Number(item?.["at"] ?? 0);
    },
    async noteFlush(lane) {
      await table.put({ item: { ...flushKey(lane), v: itemVersion, at: clock.now() }, when: [] });
    },
  };
}

function asSeen(seen: Parked | undefined): Clause[] {
  const { until, untilResult, probe } = seen ?? {};
  return Object.entries({ until, untilResult, probe }).map(([attribute, value]) =>
    value === undefined ? { attribute, is: "absent" } : { attribute, is: "equal", value },
  );
}
