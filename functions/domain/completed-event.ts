import { iso } from "./clock.ts";
import { deliveryId, derivedId } from "./ids.ts";
import type { Session } from "./session.ts";
import type { Usage } from "./usage.ts";

/**
 * The detail of a `session.completed` event, as JSON: ids, how it ended, its tokens, and where to read the rest; never
 * the transcript. `id` is the same however often the event is put, so that a consumer can tell a repeat.
 */
export function completedEvent(session: Session, winner: { usage?: Usage } | undefined): string {
  const { sessionId, sessionKey, agentId, label, turn, status, stopReason, truncated, error, model, endedAt } = session;
  return JSON.stringify({
    id: deliveryId(sessionId, turn),
    sessionId,
    sessionKey,
    agentId,
    label,
    turn,
    status,
    stopReason,
    truncated,
    error,
    model,
    endedAt: endedAt === undefined ? undefined : iso(endedAt),
    usage: winner?.usage,
    links: { session: `/api/sessions/${sessionId}`, history: `/api/sessions/${sessionId}/history` },
  });
}

/**
 * The detail of a `sessions.completed` event: the same ids, `<sessionId>.<turn>.completed`, by how their turns ended. All of one
 * agent, so that a rule can pick it. A repeat after a crash may put them together otherwise: what tells it apart are the ids inside.
 */
export function digestEvent(sessions: readonly Session[]): string {
  const ids = sessions.map(({ sessionId, turn }) => deliveryId(sessionId, turn));
  const byStatus = Map.groupBy(ids, (_, index) => sessions[index]?.status ?? "done");
  const agentId = sessions[0]?.agentId;
  return JSON.stringify({ id: derivedId(...ids), agentId, count: ids.length, ...Object.fromEntries(byStatus) });
}
