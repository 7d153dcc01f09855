import * as v from "valibot";
import type { Table } from "../clients/table.ts";
import type { CacheRun } from "../domain/cache-choice.ts";
import { type Clock, iso } from "../domain/clock.ts";
import { cacheRunDays, maxCacheRuns } from "../domain/limits.ts";
import { time } from "../domain/parse.ts";
import { daysLater } from "../domain/retention.ts";
import type { Mode } from "../domain/session.ts";
import { itemVersion, readItem } from "./versions.ts";

/** Whose requests share cache entries: those of an agent to one model, batches and real-time calls apart. */
export interface CachePool {
  agentId: string;
  mode: Mode;
  model: string;
}

/** When the requests of an agent ran of late, and what they read and wrote. A choice rests on it, and no promise does. */
export interface CacheRuns {
  /** @param source the manifest or real-time attempt, so that a repeat replaces its own */
  record(pool: CachePool, source: string, run: CacheRun): Promise<void>;
  /** The newest. */
  recent(pool: CachePool): Promise<CacheRun[]>;
}

const schema = v.object({
  startedAt: time,
  endedAt: time,
  requests: v.number(),
  read: v.number(),
  written5m: v.number(),
  written1h: v.number(),
});

const partitionOf = ({ agentId, mode, model }: CachePool) => `CACHE#${agentId}#${mode}#${model}`;

export function cacheRunStore(table: Table, clock: Clock): CacheRuns {
  return {
    async record(pool, source, run) {
      const key = { pk: partitionOf(pool), sk: `RUN#${iso(run.startedAt)}#${source}` };
      const expiresAt = daysLater(run.endedAt, cacheRunDays);
      try {
        await table.put({ item: { ...key, v: itemVersion, ...run, expiresAt }, when: [] });
      } catch {
        // One figure fewer; what it was taken from is kept, and must go on.
      }
    },
    async recent(pool) {
      try {
        const since = clock.now() - cacheRunDays * 24 * 3_600_000;
        const query = { pk: partitionOf(pool), prefix: "RUN#", limit: maxCacheRuns, newestFirst: true };
        const { items } = await table.query(query);
        const runs = items.map((item) => readItem(schema, item, `${item.pk} ${item.sk}`));
        return runs.filter(({ startedAt }) => startedAt >= since);
      } catch {
        // A table that is away costs a choice, and must not cost the session that asked for one.
        return [];
      }
    },
  };
}
