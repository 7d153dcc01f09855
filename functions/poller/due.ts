import { isAway } from "../clients/away.ts";
import { nameOf } from "../domain/errors.ts";
import { damagedLookSeconds, maxDuePerTick } from "../domain/limits.ts";
import type { DuePurpose, Session } from "../domain/session.ts";
import { isPoison } from "../domain/visits.ts";
import { deliver } from "../turns/deliver.ts";
import { failPoison } from "../turns/poison.ts";
import type { PollerDeps } from "./deps.ts";

/** Who is due, read strongly. */
export async function readDue(purpose: DuePurpose, deps: PollerDeps): Promise<Session[]> {
  return readSound(await deps.sessions.due(purpose, deps.clock.now(), maxDuePerTick), deps);
}

/** What cannot be read can be moved by nobody: it is told of, and looked at an hour later. */
export async function readSound(ids: readonly string[], { sessions, clock, log }: PollerDeps): Promise<Session[]> {
  const found = await sessions.getMany(ids);
  for (const sessionId of found.corrupt) {
    log("record_corrupt", { sessionId });
    await sessions.postpone(sessionId, clock.now() + damagedLookSeconds * 1000);
  }
  return found.sessions;
}

/**
 * A step of this one session failed. Where a service is away it stays due; where the session is at fault it is counted
 * and looked at later, so that it is in nobody's way, and after so many times it ends.
 */
export async function countFailure(
  step: "rescue" | "deadline",
  session: Session,
  error: unknown,
  deps: PollerDeps,
): Promise<void> {
  const { sessions, clock, log, tickSeconds } = deps;
  const { sessionId } = session;
  log("tick_failed", { step, sessionId, error: nameOf(error) });
  if (isAway(error)) return;
  try {
    if (!isPoison(session)) {
      const visits = (session.visits ?? 0) + 1;
      const at = clock.now() + tickSeconds * 1000 * 2 ** visits;
      await sessions.note("stumble", session, { visits }, { purpose: step, at });
      return;
    }
    const ended = await failPoison(session, deps);
    if (ended.moved && ended.session.status === "failed") await deliver([ended.session], deps);
  } catch (again) {
    log("tick_failed", { step, sessionId, error: nameOf(again) });
  }
}
