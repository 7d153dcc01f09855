import { isTerminal, type Session } from "../domain/session.ts";
import type { Turns } from "../store/turns.ts";

/**
 * The same sessions, with what lies beside them: whoever the results of a manifest ended is told of without a word on the
 * session itself, so that only the fact of the delivery says so.
 */
export async function withDeliveries(sessions: readonly Session[], turns: Turns): Promise<Session[]> {
  const unsure = sessions.filter(({ status, delivered }) => isTerminal(status) && delivered !== true);
  if (unsure.length === 0) return [...sessions];
  const told = await turns.delivered(unsure);
  return sessions.map((session) => (told.has(session.sessionId) ? { ...session, delivered: true } : session));
}

/** Of ended sessions, those of whom nobody has been told yet, each once. */
export async function untold(sessions: readonly Session[], turns: Turns): Promise<Session[]> {
  const each = new Map(sessions.map((session) => [session.sessionId, session]));
  return (await withDeliveries([...each.values()], turns)).filter(({ delivered }) => delivered !== true);
}
