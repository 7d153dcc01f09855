import type { Lane } from "../domain/config/index.ts";
import { goesRealtime } from "../domain/create-outcome.ts";
import { queueMessageFor, realtimeQueue } from "../domain/queue-message.ts";
import { takenRealtime, unavailableWhy } from "../domain/routing.ts";
import { currentSessions } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { receiveUpTo } from "./receive.ts";

/**
 * While the credential of a lane cannot batch, what waits in it goes real-time if the lane says so, and burns no attempt.
 * No more of it than there are workers free: what is more would delay the real-time work of the other lanes.
 */
export async function rerouteLane(lane: Lane, deps: BatcherDeps): Promise<void> {
  const { lanes, sessions, queues } = deps;
  if (!goesRealtime(lane, await lanes.parked(lane.id))) return;
  const waiting = await currentSessions(await receiveUpTo(await freeWorkers(deps), lane.id, deps), lane.id, deps);
  for (const { session, handles } of waiting) {
    const changes = { ...takenRealtime(session, unavailableWhy), sendNo: session.sendNo + 1, notBefore: 0 };
    const moved = await sessions.move("goRealtime", session, "queued", changes);
    // Whoever was not moved is somebody else's by now; and a message that is lost here is sent again by rescue.
    if (moved.moved) await queues.send(realtimeQueue, [queueMessageFor(moved.session)]);
    await deps.removeMessages(lane.id, handles);
  }
}

/** As the index tells, which may be a moment old. One a tick goes in any case: others may be at it without end. */
async function freeWorkers({ backlog, realtimeAtOnce }: BatcherDeps): Promise<number> {
  let busy = 0;
  await backlog.read((entries) => {
    busy += entries.filter(({ status, mode }) => status === "running" || mode === "realtime").length;
  });
  return Math.max(1, realtimeAtOnce - busy);
}
