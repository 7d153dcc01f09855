import * as v from "valibot";
import type { Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { maxParkSeconds } from "../domain/limits.ts";
import { parseRecord } from "../domain/parse.ts";

const schema = v.object({
  reason: v.string(),
  since: v.number(),
  until: v.number(),
  /** How long this stay is; the next is twice as long. */
  seconds: v.number(),
});

/** Why a lane waits. It stays until a create is accepted; from `until` on, one session at a time is sent as a probe. */
export type Parked = v.InferOutput<typeof schema>;

export interface Lanes {
  parked(lane: string): Promise<Parked | undefined>;
  /** Parks, or parks for longer. */
  park(lane: string, reason: string, retryAfterSeconds?: number): Promise<Parked>;
  /** A create was accepted: back to the start. */
  resume(lane: string): Promise<void>;
  /** When the lane last formed batches; 0 when it never did. */
  flushedAt(lane: string): Promise<number>;
  noteFlush(lane: string): Promise<void>;
}

const flushKey = (lane: string) => ({ pk: `LANE#${lane}`, sk: "FLUSH" });
const stateKey = (lane: string) => ({ pk: `LANE#${lane}`, sk: "STATE" });

/** @param parkSeconds the first stay; each that follows without an accepted create is twice as long, up to an hour */
export function laneStore(table: Table, clock: Clock, parkSeconds: number): Lanes {
  const parked = async (lane: string) => {
    const item = await table.get(stateKey(lane));
    return item === undefined || item["reason"] === undefined ? undefined : parseRecord(schema, item, item.pk);
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
      const since = before?.since ?? now;
      const state = { reason, since, until: now + stay * 1000, seconds };
      await table.put({ item: { ...stateKey(lane), ...state }, when: [] });
      return state;
    },
    async resume(lane) {
      await table.put({ item: stateKey(lane), when: [] });
    },
    async flushedAt(lane) {
      const item = await table.get(flushKey(lane));
      return Number(item?.["at"] ?? 0);
    },
    async noteFlush(lane) {
      await table.put({ item: { ...flushKey(lane), at: clock.now() }, when: [] });
    },
  };
}
