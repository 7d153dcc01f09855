import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency } from "../domain/limits.ts";
import { toUsd } from "../domain/picos.ts";
import { realtimeStateOf } from "../domain/queue-message.ts";
import { noSums } from "../domain/rollup.ts";
import { dayOf } from "../store/books.ts";
import type { PollerDeps } from "./deps.ts";
import type { OpenWork } from "./open-work.ts";

/** The figures the alarms watch, once a tick, so that a silence is noticed as well. */
export async function measure(work: readonly OpenWork[], deps: PollerDeps): Promise<void> {
  const { config, lanes, clock, metrics } = deps;
  const secondsSince = (time: number) => Math.max(0, (clock.now() - time) / 1000);
  const open = work.filter(({ manifest }) => manifest.state === "submitting" || manifest.state === "submitted");
  const unread = open.flatMap(({ manifest }) =>
    manifest.endedAt === undefined || manifest.settledAt !== undefined ? [] : [manifest.endedAt],
  );
  const places = new Set(config.lanes.flatMap((lane) => [lane.id, realtimeStateOf(lane)]));
  const parked = await mapConcurrently(places, concurrency, (place) => lanes.parked(place));
  metrics({
    oldestOpenBatchSeconds: Math.max(0, ...open.map(({ manifest }) => secondsSince(manifest.createdAt))),
    settleLagSeconds: Math.max(0, ...unread.map(secondsSince)),
    parkedLanes: parked.filter((state) => state !== undefined).length,
    inFlightRequests: open.reduce((sum, { manifest }) => sum + manifest.count, 0),
  });
  await measureDollars(deps);
}

/** One small item: what the books had of today when it was last summed up. */
async function measureDollars({ books, clock, metrics }: PollerDeps): Promise<void> {
  const today = dayOf(clock.now());
  const { paid, realtime } = (await books.days([today])).get(today)?.all ?? noSums;
  metrics({ spentTodayUsd: toUsd(paid), savedTodayUsd: toUsd(realtime - paid) });
}
