import { pursesOf } from "../domain/budget.ts";
import { RequestError } from "../domain/errors.ts";
import { maxClaimTries } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import type { Session } from "../domain/session.ts";
import type { TurnRequest } from "../domain/turn-request.ts";
import type { Moved, SessionChanges, Sessions } from "../store/sessions.ts";
import { findRoom, type Room, type RoomDeps } from "./room.ts";

export interface ReserveDeps extends RoomDeps {
  sessions: Sessions;
  log: Log;
}

/**
 * Inserts a session, with what it reserves of its budgets in the same transaction. Without a budget it is one write.
 * @returns the session as it is there, and whether this made it
 * @throws RequestError 402; 503 where others took the room each time it was looked for
 */
export async function insertReserved(
  session: Session,
  request: TurnRequest,
  deps: ReserveDeps,
): Promise<{ moved: boolean; session: Session }> {
  const { sessions, config } = deps;
  if (pursesOf(session, config).length === 0) return { moved: (await sessions.insert(session)).moved, session };
  for (let tries = 0; tries < maxClaimTries; tries += 1) {
    // A repeat finds what it made, whatever room is left by now.
    const there = await sessions.get(session.sessionId);
    if (there !== undefined) return { moved: false, session: there };
    const room = await findRoom(session, [request], deps);
    const placed = { ...session, ...room?.session };
    if ((await sessions.insert(placed, room?.claims)).moved) {
      tell(room, placed, deps);
      return { moved: true, session: placed };
    }
  }
  throw busy();
}

/**
 * Makes the next turn of a session that has ended, with what it reserves in the same transaction.
 * Its deps read the requests of the turns so far, and of the next, which are looked at only where there is a budget.
 * @throws RequestError 402, 503
 */
export async function followUpReserved(
  session: Session,
  changes: SessionChanges,
  { saidSoFar, ...deps }: ReserveDeps & { saidSoFar: () => Promise<readonly TurnRequest[]> },
): Promise<Moved> {
  const { sessions, config } = deps;
  const asked = { ...session, mode: changes.mode ?? session.mode, notBefore: changes.notBefore ?? 0 };
  if (pursesOf(asked, config).length === 0) {
    return sessions.move("followUp", session, "queued", { ...changes, budget: undefined });
  }
  const said = await saidSoFar();
  for (let tries = 0; tries < maxClaimTries; tries += 1) {
    const room = await findRoom(asked, said, deps);
    const claims = room === undefined ? {} : { claims: room.claims };
    const moved = await sessions.move("followUp", session, "queued", { ...changes, ...room?.session, ...claims });
    if (moved.moved) tell(room, moved.session, deps);
    // Nobody has moved it, so what was refused is the room.
    const isFull = !moved.moved && moved.current?.turn === session.turn;
    if (!isFull) return moved;
  }
  throw busy();
}

function tell(room: Room | undefined, { sessionId }: Session, { log }: ReserveDeps): void {
  for (const exceeded of room?.exceeded ?? []) log("budget_exceeded", { sessionId, ...exceeded });
}

function busy(): RequestError {
  const message = "too many tasks share this budget at once";
  return new RequestError(503, message, { headers: { "retry-after": "1" } });
}
