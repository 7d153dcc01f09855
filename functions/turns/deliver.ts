import type { Events } from "../clients/eventbridge.ts";
import type { Clock } from "../domain/clock.ts";
import { completedEvent } from "../domain/completed-event.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { deliveryId } from "../domain/ids.ts";
import { concurrency, eventsPerCall } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import type { Session } from "../domain/session.ts";
import type { Sessions } from "../store/sessions.ts";
import type { StoredResult, Turns } from "../store/turns.ts";

export interface DeliverDeps {
  sessions: Sessions;
  turns: Turns;
  events: Events;
  clock: Clock;
  log: Log;
}

/**
 * Tells the outside that turns ended. What the bus took is noted, as a fact of the turn and on the session; what it did
 * not take stays due. A crash in between puts the same event, with the same id, once more.
 */
export async function deliver(ended: readonly Session[], deps: DeliverDeps): Promise<void> {
  await mapConcurrently(chunksOf(ended, eventsPerCall), concurrency / 4, (sessions) => deliverSome(sessions, deps));
}

async function deliverSome(ended: readonly Session[], deps: DeliverDeps): Promise<void> {
  const { sessions, turns, events, clock, log } = deps;
  const details = await mapConcurrently(ended, eventsPerCall, async (session) =>
    completedEvent(session, await winnerOf(session, turns)),
  );
  const isTaken = await putOrNone(details, events, ended.length);
  await mapConcurrently(ended.entries(), eventsPerCall, async ([index, session]) => {
    const { sessionId, turn } = session;
    if (isTaken[index] !== true) {
      log("delivery_failed", { sessionId, turn });
      await sessions.note("undelivered", session, {});
      return;
    }
    await turns.insertDelivery({ sessionId, turn, id: deliveryId(sessionId, turn), at: clock.now() });
    await sessions.note("delivered", session, { delivered: true });
  });
}

async function putOrNone(details: readonly string[], events: Events, count: number): Promise<boolean[]> {
  try {
    return await events.put(details.map((detail) => ({ detailType: "session.completed", detail })));
  } catch {
    return Array.from({ length: count }, () => false);
  }
}

async function winnerOf({ sessionId, turn, winner }: Session, turns: Turns): Promise<StoredResult | undefined> {
  return winner === undefined ? undefined : turns.getResult(sessionId, turn, winner);
}
