import { iso } from "./clock.ts";
import { deliveryId } from "./ids.ts";
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
