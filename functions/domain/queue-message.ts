import * as v from "valibot";
import { isId } from "./ids.ts";
import { parseJson, parseWith } from "./parse.ts";
import type { Session } from "./session.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const schema = v.strictObject({
  sessionId: v.pipe(v.string(), v.check(isId, "must be a session id")),
  turn: count,
  attempt: count,
  sendNo: count,
});

/** What a queue carries: a pointer, never a body. One that differs from its session is dropped. */
export type QueueMessage = v.InferOutput<typeof schema>;

export function parseQueueMessage(body: string): QueueMessage | undefined {
  const parsed = parseWith(schema, parseJson(body));
  return parsed.ok ? parsed.value : undefined;
}

export function queueMessageFor(session: Session): QueueMessage {
  const { sessionId, turn, attempt, sendNo } = session;
  return { sessionId, turn, attempt, sendNo };
}

/**
 * Whether this message was sent for the attempt the session waits for. An older copy of it is as good as the newest: in a
 * long queue rescue sends copies while the first one waits, and were only the newest good, none might ever be reached.
 */
export function isCurrent(message: QueueMessage, session: Session): boolean {
  return message.turn === session.turn && message.attempt === session.attempt && message.sendNo <= session.sendNo;
}

/** The queue of real-time work; every other queue is named by its lane. */
export const realtimeQueue = "realtime";

/** Where it is written why real-time work waits: in one place for each credential, as its refusals say nothing of another. */
export function realtimeStateOf({ id, apiKeySecret, workspaceId }: CredentialOwner): string {
  return apiKeySecret === undefined && workspaceId === undefined ? realtimeQueue : `${realtimeQueue}/${id}`;
}

interface CredentialOwner {
  id: string;
  apiKeySecret?: string;
  workspaceId?: string;
}

export function queueOf(session: Session): string {
  return session.mode === "realtime" ? realtimeQueue : session.lane;
}
