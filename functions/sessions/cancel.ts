import { mapConcurrently } from "../domain/concurrently.ts";
import { RequestError } from "../domain/errors.ts";
import { bulkCancelSeconds, concurrency, maxPageSize } from "../domain/limits.ts";
import { isTerminal, type Session } from "../domain/session.ts";
import type { Departures } from "../store/departures.ts";
import type { ListQuery } from "../store/session-list.ts";
import { type DeliverDeps, deliver } from "../turns/deliver.ts";
import { noteDeparture } from "../turns/departure.ts";
import { writeCursor } from "./list.ts";

export interface CancelDeps extends DeliverDeps {
  departures: Departures;
}

/** How often a session may be moved by others while it is being canceled: each time it is looked at anew. */
const maxLooks = 5;

/**
 * Takes one session back: what is queued is never sent, what is under way is booked when it comes and changes nothing.
 * A repeat finishes what a crash left.
 * @throws RequestError 409 where its turn has ended otherwise
 */
export async function cancel(session: Session, deps: CancelDeps): Promise<Session> {
  const canceled = await endAsCanceled(session, deps);
  if (canceled?.status !== "canceled") {
    const how = canceled === undefined ? "a message has come since" : `it is ${canceled.status}`;
    throw new RequestError(409, `the turn has ended already: ${how}`);
  }
  if (canceled.delivered !== true) await tell([canceled], deps);
  return canceled;
}

/** A list, and where of it to begin; with `label`, those of it that have this one. */
export type CancelList = Pick<ListQuery, "by" | "below"> & { label?: string };

export interface BulkCanceled {
  canceled: number;
  alreadyEnded: number;
  /** There was no time for all of them: the same call with this cursor goes on below what this one has seen. */
  more?: true;
  cursor?: string;
}

/**
 * The same for a whole list, page by page, for as long as a call may take. Whoever has ended already is only counted. A call
 * that began at the top each time would in a long list never come to the oldest.
 */
export async function cancelAll({ by, below: start, label }: CancelList, deps: CancelDeps): Promise<BulkCanceled> {
  const { sessions, clock } = deps;
  const until = clock.now() + bulkCancelSeconds * 1000;
  const sum = { canceled: 0, alreadyEnded: 0 };
  for (let below = start; ; ) {
    if (below !== undefined && clock.now() >= until) return { ...sum, more: true, cursor: writeCursor(below) };
    const listed = await sessions.list({ by, limit: maxPageSize, ...(below === undefined ? {} : { below }) });
    const found = await sessions.getMany(listed.map(({ sessionId }) => sessionId));
    const meant = found.sessions.filter((session) => label === undefined || session.label === label);
    const unfinished = meant.filter(({ status }) => !isTerminal(status));
    const ended = await mapConcurrently(unfinished, concurrency, async (session) => {
      const now = await endAsCanceled(session, deps);
      return now?.status === "canceled" ? [now] : [];
    });
    const canceled = ended.flat();
    await tell(canceled, deps);
    sum.canceled += canceled.length;
    sum.alreadyEnded += meant.length - canceled.length;
    below = listed.at(-1)?.position;
    if (listed.length < maxPageSize) return sum;
  }
}

/** @returns the session as it ended: canceled, or otherwise by somebody who was quicker; undefined where it goes on since */
async function endAsCanceled(seen: Session, { sessions, clock, log }: CancelDeps): Promise<Session | undefined> {
  let session = seen;
  for (let look = 0; look < maxLooks; look += 1) {
    if (isTerminal(session.status)) return session;
    // The turn that was to be canceled has ended: what the user has said since is not meant.
    if (session.askedAt !== seen.askedAt) return undefined;
    const { sessionId } = session;
    const moved = await sessions.move("cancel", session, "canceled", { endedAt: clock.now() });
    if (moved.moved) {
      log("session_canceled", { sessionId });
      return moved.session;
    }
    if (moved.current === undefined) throw new Error("the session is no longer there");
    session = moved.current;
  }
  throw new Error("the session moves too often to be canceled");
}

/** Its batch may have nobody left, and the outside is told; what fails of it is left to the poller. */
async function tell(canceled: readonly Session[], deps: CancelDeps): Promise<void> {
  const left = new Set(canceled.map(({ manifestId }) => manifestId));
  await mapConcurrently(left, concurrency, (manifestId) => noteDeparture(manifestId, deps));
  await deliver(canceled, deps);
}
