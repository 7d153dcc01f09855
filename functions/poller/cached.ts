import type { Batch } from "../domain/batch.ts";
import type { CacheRun } from "../domain/cache-choice.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency } from "../domain/limits.ts";
import type { Result } from "../domain/outcome.ts";
import type { Session } from "../domain/session.ts";
import type { CachePool } from "../store/cache-runs.ts";
import type { PollerDeps } from "./deps.ts";

type Tokens = Omit<CacheRun, "startedAt" | "endedAt">;

/** Of one batch, what each agent's requests to one model read from the cache and wrote to it. */
export type CacheTotals = Map<string, { pool: CachePool; tokens: Tokens }>;

export function addCached(totals: CacheTotals, session: Session | undefined, { usage }: Result): void {
  if (session === undefined || usage === undefined) return;
  const { agentId, model } = session;
  const name = `${agentId} ${model}`;
  const before = totals.get(name)?.tokens ?? { requests: 0, read: 0, written5m: 0, written1h: 0 };
  const tokens = {
    requests: before.requests + 1,
    read: before.read + usage.cacheRead,
    written5m: before.written5m + usage.cacheWrite5m,
    written1h: before.written1h + usage.cacheWrite1h,
  };
  totals.set(name, { pool: { agentId, model, mode: "batch" }, tokens });
}

/** One small item an agent; a later reading of the same file replaces it. */
export async function recordCached(
  totals: CacheTotals,
  manifestId: string,
  { createdAt, endedAt }: Batch,
  { cacheRuns, clock }: PollerDeps,
): Promise<void> {
  const times = { startedAt: createdAt, endedAt: endedAt ?? clock.now() };
  await mapConcurrently([...totals.values()], concurrency, ({ pool, tokens }) =>
    cacheRuns.record(pool, manifestId, { ...times, ...tokens }),
  );
}
