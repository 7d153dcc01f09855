import type { Lane } from "../domain/config/index.ts";
import { goesRealtime } from "../domain/create-outcome.ts";
import { opensAt } from "../domain/lane-hours.ts";
import type { Renew } from "../store/leases.ts";
import { type Sorted, toCandidates, type Waiting } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { primed } from "./prime.ts";
import { type Leave, leaveAfter, leaveOf } from "./probe.ts";
import { putBack } from "./put-back.ts";
import { receiveUpTo } from "./receive.ts";
import { rerouteLane } from "./reroute.ts";
import { submitGroup } from "./submit.ts";
import { groupsOf } from "./suspects.ts";
import { afterCallMs, hasTimeFor } from "./time-left.ts";

/** Sessions whose requests are loaded at once: 250 of the largest tasks are about 64 MB. */
const sliceSize = 250;
/** Drains one lane's queue into batches, as far as the lane's quota, hours and credit allow. */
export async function drainLane(lane: Lane, deps: BatcherDeps): Promise<void> {
  const { leases, lanes, clock, log } = deps;
  if (opensAt(lane, clock.now()) > 0) return;
  const parked = await lanes.parked(lane.id);
  if (parked !== undefined && parked.until > clock.now() && !goesRealtime(lane, parked)) return;
  if (parked === undefined && (await hasJustFlushed(lane, deps))) return;
  // The longest step between two renewals: one group's call, and what is written before and after it.
  const leaseSeconds = deps.createTimeoutSeconds + (2 * afterCallMs) / 1000;
  const isHeld = await leases.hold(`batcher/${lane.id}`, leaseSeconds, async (renew) => {
    const leave = await leaveOf(lane, deps);
    if (leave.may !== "nothing") await drain(lane, leave, renew, deps);
    await rerouteLane(lane, deps);
  });
  if (!isHeld) log("lane_busy", { lane: lane.id });
}

/** A lane may ask for fewer, fuller batches than one a tick. Half a tick is left to the schedule's own unevenness. */
async function hasJustFlushed(lane: Lane, { lanes, clock, tickSeconds }: BatcherDeps): Promise<boolean> {
  if (lane.flushEverySeconds <= tickSeconds) return false;
  const seconds = (clock.now() - (await lanes.flushedAt(lane.id))) / 1000;
  return seconds < lane.flushEverySeconds - tickSeconds / 2;
}

/** A lane that was parked sends one session ahead; the rest follows in the same drain, or once that one has its result. */
async function drain(lane: Lane, leave: Leave, renew: Renew, deps: BatcherDeps): Promise<void> {
  for (let probed = leave.may === "probe" ? leave.parked : undefined; ; ) {
    const room = await roomIn(lane, deps);
    const most = Math.min(room, probed === undefined ? lane.maxBatchRequests : 1);
    if (most <= 0) return;
    const { sound: all, suspects, isEmpty } = await collect(most, lane, deps);
    if (all.length + suspects.length === 0 && isEmpty) return;
    if (lane.flushEverySeconds > deps.tickSeconds) await deps.lanes.noteFlush(lane.id);
    // Whoever is to show that the lane may go on waits for nobody.
    const { ready: sound, parkedUntil } =
      probed === undefined ? await primed(all, lane, { ...deps, renew }) : { ready: all };
    if (parkedUntil !== undefined) return putBack([...sound, ...suspects], parkedUntil, lane, deps);
    for await (const { group, rest } of groupsOf({ sound, suspects }, lane, deps)) {
      if (!hasTimeFor(deps)) {
        deps.log("time_short", { lane: lane.id });
        return putBack([...group, ...rest], 0, lane, deps);
      }
      await renew();
      const submitted = await submitGroup(group, lane, deps);
      if (submitted.kind === "parked") return putBack(rest, submitted.notBefore, lane, deps);
      if (probed === undefined) continue;
      const next = await leaveAfter({ submitted, parked: probed }, lane, deps);
      if (next.may === "nothing") return;
      probed = next.may === "probe" ? next.parked : undefined;
    }
  }
}

/** Candidates for one batch, by the slice, so that no more than a batch's bytes and one slice are ever in memory. */
async function collect(most: number, lane: Lane, deps: BatcherDeps): Promise<Sorted & { isEmpty: boolean }> {
  const all: Sorted = { sound: [], suspects: [] };
  const ids = new Set<string>();
  let bytes = 0;
  while (all.sound.length + all.suspects.length < most && bytes < lane.maxBatchBytes) {
    const left = most - all.sound.length - all.suspects.length;
    const received = await receiveUpTo(Math.min(sliceSize, left), lane.id, deps);
    if (received.length === 0) return { ...all, isEmpty: true };
    const { sound, suspects } = await toCandidates(received, lane.id, deps);
    // Copies may come in another slice: with one session in it twice, a batch would be refused.
    const isNew = ({ session }: Waiting) => !ids.has(session.sessionId);
    const copies = [...sound, ...suspects].filter((one) => !isNew(one));
    await deps.removeMessages(
      lane.id,
      copies.flatMap(({ handles }) => handles),
    );
    all.sound.push(...sound.filter(isNew));
    all.suspects.push(...suspects.filter(isNew));
    for (const { session } of [...sound, ...suspects]) ids.add(session.sessionId);
    bytes += sound.reduce((sum, candidate) => sum + candidate.bytes, 0);
  }
  return { ...all, isEmpty: false };
}

/** What is in flight is the sum of the open manifests, read strongly, never a counter. */
async function roomIn(lane: Lane, { manifests }: BatcherDeps): Promise<number> {
  const open = await manifests.open(lane.id);
  return lane.maxInFlightRequests - open.reduce((sum, { count }) => sum + count, 0);
}
