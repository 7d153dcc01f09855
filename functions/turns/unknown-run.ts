import { realtimeUnknownRetries } from "../domain/limits.ts";
import { parseMessage } from "../domain/outcome.ts";
import { isTerminal, type Session } from "../domain/session.ts";
import { fail, requeue, type SettleDeps, settle } from "./settle.ts";

/**
 * A real-time attempt that is over, and whose session does not show it. Its result may be there, with only the move
 * missing: then it is made. If not, the call may have been paid.
 * @returns the session, if this ended its turn
 */
export async function endRun(session: Session, deps: SettleDeps): Promise<Session | undefined> {
  const { sessionId, turn, run } = session;
  const { results } = await deps.turns.read(sessionId);
  const stored = results.find(({ source }) => source === run);
  const result = stored === undefined ? undefined : parseMessage(await deps.turns.readBody(stored));
  if (stored === undefined || result === undefined) return endUnknownRun(session, deps);
  const { source, tier, receivedAt } = stored;
  return settle(
    session,
    { ...result, sessionId, turn, source, tier, receivedAt, text: await deps.turns.readBody(stored) },
    deps,
  );
}

/**
 * A real-time call of which nobody knows what came: it may have been paid. It is tried again at most once; the attempt
 * without a result stays on the books as `unknown`.
 * @returns the session, if this ended its turn
 */
export async function endUnknownRun(session: Session, deps: SettleDeps): Promise<Session | undefined> {
  const { sessionId, turn, run, sendNo } = session;
  const { attempts, results } = await deps.turns.read(sessionId);
  const unknown = attempts.filter(
    (attempt) => attempt.turn === turn && !results.some(({ source }) => source === attempt.run),
  ).length;
  deps.log("realtime_unknown", { sessionId, unknown });
  if (unknown <= realtimeUnknownRetries) {
    // One that died before it wrote its attempt down called nobody: that is what poison looks like, and is counted.
    const visits = attempts.some((attempt) => attempt.run === run) ? undefined : (session.visits ?? 0) + 1;
    const changes = { notBefore: deps.clock.now(), sendNo: sendNo + 1, visits, because: "unknown_outcome" };
    await requeue(session, changes, deps);
    return undefined;
  }
  const message = `${unknown} real-time calls ended without an answer; they may have been paid`;
  const moved = await fail(session, { type: "unknown_outcome", message }, deps);
  return moved.moved && isTerminal(moved.session.status) ? moved.session : undefined;
}
