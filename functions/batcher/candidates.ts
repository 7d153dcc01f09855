import type { Received } from "../clients/sqs.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { CorruptRecordError, nameOf } from "../domain/errors.ts";
import { concurrency, suspectReceives } from "../domain/limits.ts";
import { isCurrent, parseQueueMessage, type QueueMessage } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";
import { messageBody } from "../domain/turn-request.ts";
import { loadConversation } from "../turns/conversation.ts";
import type { BatcherDeps } from "./deps.ts";

/** A session that may go into a batch now, with its request made ready. */
export interface Candidate {
  session: Session;
  /** The Messages API body, serialized once. */
  body: string;
  bytes: number;
  betas: readonly string[];
  /** Its messages, deleted once it is claimed. */
  handles: readonly string[];
  /** Received so often that it may be what breaks its batch. */
  isSuspect: boolean;
}

/** Names and commas around the body of one request: the `custom_id` has at most 64 characters. */
const overheadBytes = 100;

type Pending = { message: QueueMessage; receipt: Received };

/**
 * Turns what was received into candidates. A message that is not one of ours, or no longer the newest of its session, or
 * too early, is dropped: whoever is still unfinished has somebody else who looks at it.
 */
export async function toCandidates(
  received: readonly Received[],
  lane: string,
  deps: BatcherDeps,
): Promise<Candidate[]> {
  const pending: Pending[] = [];
  const dropped: string[] = [];
  for (const receipt of received) {
    const message = parseQueueMessage(receipt.body);
    if (message !== undefined) pending.push({ message, receipt });
    else {
      deps.log("message_rejected", { lane });
      dropped.push(receipt.handle);
    }
  }
  const found = await deps.sessions.getMany(pending.map(({ message }) => message.sessionId));
  const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
  // A session has one place in a batch, however many copies of its message there are, older ones among them.
  const ready = new Map<string, { session: Session; receipts: Received[] }>();
  for (const { message, receipt } of pending) {
    const session = byId.get(message.sessionId);
    if (session === undefined || !maySend(session, message, lane, deps.clock.now())) dropped.push(receipt.handle);
    else
      ready.set(session.sessionId, { session, receipts: [...(ready.get(session.sessionId)?.receipts ?? []), receipt] });
  }
  await deps.removeMessages(lane, dropped);
  const loaded = await mapConcurrently(ready.values(), concurrency, (one) => toCandidate(one, lane, deps));
  return loaded.filter((candidate) => candidate !== undefined);
}

function maySend(session: Session, message: QueueMessage, lane: string, now: number): boolean {
  const isWaiting = session.status === "queued" && session.mode === "batch" && session.lane === lane;
  return isWaiting && isCurrent(message, session) && session.notBefore <= now;
}

async function toCandidate(
  { session, receipts }: { session: Session; receipts: Received[] },
  lane: string,
  deps: BatcherDeps,
): Promise<Candidate | undefined> {
  const handles = receipts.map(({ handle }) => handle);
  try {
    const conversation = await loadConversation(session, deps.turns);
    const body = messageBody(conversation);
    return {
      session,
      body,
      bytes: Buffer.byteLength(body) + overheadBytes,
      betas: conversation.requests.at(-1)?.betas ?? [],
      handles,
      isSuspect: receipts.some(({ receives }) => receives >= suspectReceives),
    };
  } catch (error) {
    // A store that is away is worth another try: the message comes again. What cannot be read never will be.
    if (error instanceof CorruptRecordError) await failUnreadable(session, error, lane, handles, deps);
    else deps.log("manifest_waiting", { sessionId: session.sessionId, error: nameOf(error) });
    return undefined;
  }
}

async function failUnreadable(
  session: Session,
  cause: Error,
  lane: string,
  handles: readonly string[],
  deps: BatcherDeps,
): Promise<void> {
  deps.log("record_corrupt", { sessionId: session.sessionId, what: cause.message });
  const error = { type: "unreadable", message: cause.message };
  await deps.sessions.move("failQueued", session, "failed", { error, endedAt: deps.clock.now() });
  await deps.removeMessages(lane, handles);
}
