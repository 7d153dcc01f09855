import type { Queues, Received } from "../clients/sqs.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { concurrency, messagesPerCall } from "../domain/limits.ts";
import type { Renew } from "../store/leases.ts";
import { type Candidate, toCandidates } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { formGroups } from "./group.ts";
import { submitGroup } from "./submit.ts";
import { afterCallMs, hasTimeFor } from "./time-left.ts";

/** Sessions whose requests are loaded at once: 250 of the largest tasks are about 64 MB. */
const sliceSize = 250;
/** Receive calls that run side by side; an empty answer of one does not mean the queue is empty. */
const receivers = 4;

/** Drains one lane's queue into batches, as far as the lane's quota, hours and credit allow. */
export async function drainLane(lane: Lane, deps: BatcherDeps): Promise<void> {
  const { leases, lanes, clock, log } = deps;
  if (opensAt(lane, clock.now()) > 0) return;
  const parked = await lanes.parked(lane.id);
  if (parked !== undefined && parked.until > clock.now()) return;
  if (await hasJustFlushed(lane, deps)) return;
  // The longest step between two renewals: one group's call, and what is written before and after it.
  const leaseSeconds = deps.createTimeoutSeconds + (2 * afterCallMs) / 1000;
  const isHeld = await leases.hold(`batcher/${lane.id}`, leaseSeconds, (renew) =>
    drain(lane, parked !== undefined, renew, deps),
  );
  if (!isHeld) log("lane_busy", { lane: lane.id });
}

/** A lane may ask for fewer, fuller batches than one a tick. Half a tick is left to the schedule's own unevenness. */
async function hasJustFlushed(lane: Lane, { lanes, clock, tickSeconds }: BatcherDeps): Promise<boolean> {
  if (lane.flushEverySeconds <= tickSeconds) return false;
  const seconds = (clock.now() - (await lanes.flushedAt(lane.id))) / 1000;
  return seconds < lane.flushEverySeconds - tickSeconds / 2;
}

/** @param isProbe the lane was parked: one session goes ahead, the rest follows once that was accepted */
async function drain(lane: Lane, isProbe: boolean, renew: Renew, deps: BatcherDeps): Promise<void> {
  for (let probing = isProbe; ; ) {
    const room = await roomIn(lane, deps);
    const most = Math.min(room, probing ? 1 : lane.maxBatchRequests);
    if (most <= 0) return;
    const { candidates, isEmpty } = await collect(most, lane, deps);
    if (candidates.length === 0 && isEmpty) return;
    if (lane.flushEverySeconds > deps.tickSeconds) await deps.lanes.noteFlush(lane.id);
    for (const group of formGroups(candidates, lane)) {
      if (!hasTimeFor(deps)) {
        deps.log("time_short", { lane: lane.id });
        return;
      }
      await renew();
      const outcome = await submitGroup(group, lane, deps);
      if (outcome === "parked" || (probing && outcome === "unknown")) return;
      if (probing && outcome === "accepted") {
        await deps.lanes.resume(lane.id);
        deps.log("lane_resumed", { lane: lane.id });
        probing = false;
      }
    }
  }
}

/** Candidates for one batch, by the slice, so that no more than a batch's bytes and one slice are ever in memory. */
async function collect(
  most: number,
  lane: Lane,
  deps: BatcherDeps,
): Promise<{ candidates: Candidate[]; isEmpty: boolean }> {
  const candidates: Candidate[] = [];
  let bytes = 0;
  while (candidates.length < most && bytes < lane.maxBatchBytes) {
    const received = await receiveUpTo(Math.min(sliceSize, most - candidates.length), lane.id, deps);
    if (received.length === 0) return { candidates, isEmpty: true };
    const slice = await toCandidates(received, lane.id, deps);
    candidates.push(...slice);
    bytes += slice.reduce((sum, candidate) => sum + candidate.bytes, 0);
  }
  return { candidates, isEmpty: false };
}

/** What is in flight is the sum of the open manifests, read strongly, never a counter. */
async function roomIn(lane: Lane, { manifests }: BatcherDeps): Promise<number> {
  const open = await manifests.open(lane.id);
  return lane.maxInFlightRequests - open.reduce((sum, { count }) => sum + count, 0);
}

/** Never more than that: what is received and not sent is hidden for long, and nearer to being set aside. */
async function receiveUpTo(most: number, queue: string, { queues }: BatcherDeps): Promise<Received[]> {
  const received: Received[] = [];
  for (;;) {
    const left = most - received.length;
    const calls = Math.min(receivers, Math.ceil(left / messagesPerCall));
    if (calls <= 0) return received;
    const answers = await Promise.all(
      Array.from({ length: calls }, (_, call) =>
        queues.receive(queue, Math.min(messagesPerCall, left - call * messagesPerCall)),
      ),
    );
    received.push(...answers.flat());
    if (answers.every((answer) => answer.length === 0)) return received;
  }
}

/** Deletes messages, ten a call. One that stays comes again, and is dropped then. */
export function messageRemover(queues: Queues): BatcherDeps["removeMessages"] {
  return async (queue, handles) => {
    await mapConcurrently(chunksOf(handles, messagesPerCall), concurrency, (some) => queues.remove(queue, some));
  };
}
