import type { Lane } from "../domain/config/index.ts";
import { goesRealtime } from "../domain/create-outcome.ts";
import { queueMessageFor, realtimeQueue } from "../domain/queue-message.ts";
import { takenRealtime, unavailableWhy } from "../domain/routing.ts";
import { currentSessions } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { receiveUpTo } from "./receive.ts";

/**
 * While the credential of a lane cannot batch, what waits in it goes real-time if the lane says so, and burns no attempt.
 * No more of it a tick than there are workers: what is more would delay the real-time work of the other lanes.
 */
export async function rerouteLane(lane: Lane, deps: BatcherDeps): Promise<void> {
  const { lanes, sessions, queues, realtimeAtOnce } = deps;
  if (!goesRealtime(lane, await lanes.parked(lane.id))) return;
  const waiting = await currentSessions(await receiveUpTo(realtimeAtOnce, lane.id, deps), lane.id, deps);
  for (const { session, handles } of waiting) {
    const changes = { ...takenRealtime(session, unavailableWhy), sendNo: session.sendNo + 1, notBefore: 0 };
    const moved = await sessions.move("goRealtime", session, "queued", changes);
    // Whoever was not moved is somebody else's by now; and a message that is lost here is sent again by rescue.
    if (moved.moved) await queues.send(realtimeQueue, [queueMessageFor(moved.session)]);
    await deps.removeMessages(lane.id, handles);
  }
}
