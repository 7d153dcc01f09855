import type { Lane } from "../domain/config/index.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { batchLifeSeconds } from "../domain/limits.ts";
import { parseResultLine } from "../domain/outcome.ts";
import type { Parked } from "../store/lanes.ts";
import type { BatcherDeps } from "./deps.ts";
import { parkAgain } from "./park.ts";
import type { Submitted } from "./submit.ts";

/** What a lane may send now: all it has, one session to find out whether the rest may follow, or nothing yet. */
export type Leave = { may: "all" } | { may: "probe"; parked: Parked } | { may: "nothing"; parked: Parked };

/** Where a probe is under way, its own manifest is asked; one that comes to nothing is followed by another after the usual wait. */
export async function leaveOf(lane: Lane, deps: BatcherDeps): Promise<Leave> {
  const { lanes, clock } = deps;
  const parked = await lanes.parked(lane.id);
  if (parked === undefined) return { may: "all" };
  if (parked.until > clock.now()) return { may: "nothing", parked };
  if (parked.probe === undefined) return { may: "probe", parked };
  const verdict = await verdictOn(parked.probe, deps);
  if (verdict === "good") return (await resume(lane, parked, deps)) ? { may: "all" } : { may: "nothing", parked };
  if (verdict === "pending" && (parked.probeEndsAt ?? 0) > clock.now()) return { may: "nothing", parked };
  return { may: "nothing", parked: await parkAgain(lane, parked.reason, deps) };
}

/** What a lane may send after a probe was made. */
export async function leaveAfter(
  { submitted, parked }: { submitted: Submitted; parked: Parked },
  lane: Lane,
  deps: BatcherDeps,
): Promise<Leave> {
  const { lanes, clock, log } = deps;
  if (submitted.kind === "unknown") return { may: "nothing", parked: await parkAgain(lane, parked.reason, deps) };
  // The session at fault failed, or there was none: that says nothing of the lane.
  if (submitted.kind !== "accepted") return { may: "probe", parked };
  if (parked.untilResult !== true)
    return (await resume(lane, parked, deps)) ? { may: "all" } : { may: "nothing", parked };
  const { manifestId } = submitted;
  await lanes.probe(lane.id, parked, { by: manifestId, endsAt: clock.now() + batchLifeSeconds * 1000 });
  log("lane_probed", { lane: lane.id, manifestId });
  return { may: "nothing", parked };
}

/** @returns false when something was learned meanwhile that keeps the lane parked */
async function resume(lane: Lane, parked: Parked, { lanes, log }: BatcherDeps): Promise<boolean> {
  const isResumed = await lanes.resume(lane.id, parked);
  if (isResumed) log("lane_resumed", { lane: lane.id });
  return isResumed;
}

/** Of a probe whose records are damaged nothing is learned: another one tells, or no lane would ever be open again. */
async function verdictOn(manifestId: string, deps: BatcherDeps): Promise<"good" | "bad" | "pending"> {
  try {
    return await judge(manifestId, deps);
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error;
    deps.log("record_corrupt", { manifestId, what: error.message });
    return "bad";
  }
}

/** `good` is only a result which Anthropic made something of. One that expired, was canceled or was lost proves nothing. */
async function judge(manifestId: string, deps: BatcherDeps): Promise<"good" | "bad" | "pending"> {
  const manifest = await deps.manifests.get(manifestId);
  if (manifest?.state === "submitted") return "pending";
  if (manifest?.state !== "settled") return "bad";
  for await (const members of deps.manifests.members(manifestId)) {
    for (const { sessionId, turn } of members) {
      const result = await deps.turns.getResult(sessionId, turn, manifestId);
      const line = result === undefined ? undefined : parseResultLine(await deps.turns.readBody(result));
      if (line?.kind !== "ours") continue;
      const { type, outcome } = line.result;
      if (outcome.kind !== "park" && type !== "expired" && type !== "canceled") return "good";
    }
  }
  return "bad";
}
