import type { Events } from "../clients/eventbridge.ts";
import type { Clock } from "../domain/clock.ts";
import { completedEvent } from "../domain/completed-event.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { nameOf } from "../domain/errors.ts";
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
  const { events, log } = deps;
  const details = await mapConcurrently(ended, eventsPerCall, (session) => detailOf(session, deps));
  const told = details.filter((detail) => detail !== undefined);
  const answers = told.length === 0 ? [] : await putOrNone(told, events, told.length);
  const taken = new Set(told.filter((_, index) => answers[index] === true));
  await mapConcurrently(ended.entries(), eventsPerCall, async ([index, session]) => {
    try {
      await noteDelivery(session, taken.has(details[index] ?? ""), deps);
    } catch (error) {
      // It stays due, and is put again under the same id.
      log("delivery_failed", { sessionId: session.sessionId, error: nameOf(error) });
    }
  });
}

async function noteDelivery(
  session: Session,
  isTaken: boolean,
  { sessions, turns, clock, log }: DeliverDeps,
): Promise<void> {
  const { sessionId, turn } = session;
  if (!isTaken) {
    log("delivery_failed", { sessionId, turn });
    await sessions.note("undelivered", session, {});
    return;
  }
  await turns.insertDelivery({ sessionId, turn, id: deliveryId(sessionId, turn), at: clock.now() });
  await sessions.note("delivered", session, { delivered: true });
}

async function putOrNone(details: readonly string[], events: Events, count: number): Promise<boolean[]> {
  try {
    return await events.put(details.map((detail) => ({ detailType: "session.completed", detail })));
  } catch {
    return Array.from({ length: count }, () => false);
  }
}

/** One whose event cannot be made keeps no other from being told; it stays due, and its alarm stands. */
async function detailOf(session: Session, deps: DeliverDeps): Promise<string | undefined> {
  try {
    return completedEvent(session, await winnerOf(session, deps));
  } catch (error) {
    deps.log("delivery_failed", { sessionId: session.sessionId, error: nameOf(error) });
    return undefined;
  }
}

/** An event says how a turn ended, even where its tokens cannot be read. */
async function winnerOf(
  { sessionId, turn, winner }: Session,
  { turns, log }: DeliverDeps,
): Promise<StoredResult | undefined> {
  try {
    return winner === undefined ? undefined : await turns.getResult(sessionId, turn, winner);
  } catch (error) {
    log("record_corrupt", { sessionId, what: nameOf(error) });
    return undefined;
  }
}
