import { iso } from "../domain/clock.ts";
import type { Lane } from "../domain/config/index.ts";
import { batchesUnavailable } from "../domain/create-outcome.ts";
import type { Parked } from "../store/lanes.ts";
import type { BatcherDeps } from "./deps.ts";

type ParkDeps = Pick<BatcherDeps, "lanes" | "log">;

/** Parks a lane, or parks it for longer. That batches cannot be had at all is said once, and what that means for the bill. */
export async function parkLane(
  lane: Lane,
  { reason, retryAfterSeconds }: { reason: string; retryAfterSeconds?: number },
  { lanes, log }: ParkDeps,
): Promise<Parked> {
  const before = await lanes.parked(lane.id);
  const parked = await lanes.park(lane.id, reason, retryAfterSeconds);
  log("lane_parked", { lane: lane.id, reason: parked.reason, until: iso(parked.until) });
  if (reason === batchesUnavailable && before?.reason !== batchesUnavailable)
    log("batches_unavailable", { lane: lane.id, policy: lane.onBatchUnavailable });
  return parked;
}

/** After a probe that came to nothing. */
export function parkAgain(lane: Lane, reason: string, deps: ParkDeps): Promise<Parked> {
  return parkLane(lane, { reason }, deps);
}
