import { isAway } from "../clients/away.ts";
import type { Received } from "../clients/sqs.ts";
import type { Marking } from "../domain/cache-markers.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { CorruptRecordError, nameOf } from "../domain/errors.ts";
import { concurrency } from "../domain/limits.ts";
import { type SharedPrefix, sharedPrefixOf } from "../domain/priming.ts";
import { isCurrent, parseQueueMessage, type QueueMessage } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";
import { messageBody } from "../domain/turn-request.ts";
import { isLeftToDeadLetters, isSuspect } from "../domain/visits.ts";
import { type KeptBody, keepBodies } from "../store/kept-bodies.ts";
import { type KnownRequests, loadConversation } from "../turns/conversation.ts";
import type { BatcherDeps } from "./deps.ts";

/** A session that may go into a batch now, with its request made ready. */
export interface Candidate {
  session: Session;
  /** The Messages API body, serialized once. */
  body: KeptBody;
  /** Of the body, and what is around it in a batch. */
  bytes: number;
  betas: readonly string[];
  /** Where others may have the same prefix, and one of them go ahead. */
  shared?: SharedPrefix;
  /** It goes ahead. */
  primes?: boolean;
  /** Its messages, deleted once it is claimed. */
  handles: readonly string[];
}

/** The same while its body is still the text it was made as. */
type Loaded = Omit<Candidate, "body"> & { body: string };

/** A session that waits to be sent, with all the copies of its message that were received. */
export type Waiting = Pick<Candidate, "session" | "handles">;

/** What was received: those that are ready to be sent, and those to be made ready by themselves, after the others. */
export interface Sorted {
  sound: Candidate[];
  suspects: Waiting[];
}

/** Names and commas around the body of one request: the `custom_id` has at most 64 characters. */
const overheadBytes = 100;

type Pending = { message: QueueMessage; receipt: Received };

/** A session that waits for what was received, however many copies of its message there are. */
export interface Current {
  session: Session;
  handles: readonly string[];
  isSuspect: boolean;
}

/** Makes the requests of the sound ones ready, side by side. */
export async function toCandidates(received: readonly Received[], lane: string, deps: BatcherDeps): Promise<Sorted> {
  const current = await currentSessions(received, lane, deps);
  const { sound = [], suspects = [] } = Object.groupBy(current, (one) => (one.isSuspect ? "suspects" : "sound"));
  const known = await readRequests(sound, deps);
  const loaded = await mapConcurrently(sound, concurrency, (one) => load(one, lane, { ...deps, known }));
  return { sound: keep(loaded.filter((candidate) => typeof candidate === "object")), suspects };
}

/** A hundred a call. Whoever is not among them is read by himself, and then it shows why. */
async function readRequests(sound: readonly Waiting[], { turns }: BatcherDeps): Promise<KnownRequests> {
  try {
    return await turns.getRequests(sound.map(({ session: { sessionId, turn } }) => ({ sessionId, turn })));
  } catch {
    return new Map();
  }
}

function keep(loaded: readonly Loaded[]): Candidate[] {
  const kept = keepBodies(loaded.map(({ body }) => body));
  return loaded.flatMap((one, index) => {
    const body = kept[index];
    return body === undefined ? [] : [{ ...one, body }];
  });
}

/**
 * Whose messages these are. One that is not ours, or no longer the newest of its session, or too early, is dropped:
 * whoever is still unfinished has somebody else who looks at it.
 */
export async function currentSessions(
  received: readonly Received[],
  lane: string,
  deps: BatcherDeps,
): Promise<Current[]> {
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
  const ready = new Map<string, Current>();
  for (const { message, receipt } of pending) {
    const session = byId.get(message.sessionId);
    if (session !== undefined && maySend(session, message, lane, deps.clock.now())) {
      const copy = ready.get(session.sessionId);
      ready.set(session.sessionId, {
        session,
        handles: [...(copy?.handles ?? []), receipt.handle],
        isSuspect: copy?.isSuspect === true || isSuspect(session, receipt.receives),
      });
    } else if (session === undefined || !isLeftToDeadLetters(session, receipt.receives)) dropped.push(receipt.handle);
  }
  await deps.removeMessages(lane, dropped);
  // Who came in one call lies in one object, which is read once where they are loaded one after another.
  return [...ready.values()].toSorted((one, other) => one.session.createdAt - other.session.createdAt);
}

function maySend(session: Session, message: QueueMessage, lane: string, now: number): boolean {
  const isWaiting = session.status === "queued" && session.mode === "batch" && session.lane === lane;
  return isWaiting && isCurrent(message, session) && session.notBefore <= now;
}

/** One by itself. @returns `away` where a service did not answer, `broken` where this session is at fault */
export async function toCandidate(
  waiting: Waiting,
  lane: string,
  deps: BatcherDeps,
): Promise<Candidate | "away" | "broken"> {
  const loaded = await load(waiting, lane, deps);
  return typeof loaded === "object" ? (keep([loaded])[0] ?? "broken") : loaded;
}

async function load(
  { session, handles }: Waiting,
  lane: string,
  deps: BatcherDeps & { known?: KnownRequests },
): Promise<Loaded | "away" | "broken"> {
  try {
    const conversation = await loadConversation(session, deps.turns, deps.known);
    const body = messageBody(conversation);
    const request = conversation.requests.at(-1);
    const shared = request === undefined ? undefined : sharedPrefixOf(request);
    return {
      session,
      body,
      bytes: Buffer.byteLength(body) + overheadBytes,
      betas: request?.betas ?? [],
      handles,
      ...(shared === undefined ? {} : { shared }),
    };
  } catch (error) {
    // A store that is away is worth another try: the message comes again. What cannot be read never will be.
    if (error instanceof CorruptRecordError) await failUnreadable(session, error, lane, handles, deps);
    else deps.log("manifest_waiting", { sessionId: session.sessionId, error: nameOf(error) });
    return isAway(error) ? "away" : "broken";
  }
}

/** The same with other cache markers; `undefined` where it cannot be read again just now. */
export async function remarked(
  candidate: Candidate,
  marking: Marking,
  { turns }: Pick<BatcherDeps, "turns">,
): Promise<Candidate | undefined> {
  try {
    const body = messageBody(await loadConversation(candidate.session, turns), marking);
    return keep([{ ...candidate, body, bytes: Buffer.byteLength(body) + overheadBytes }])[0];
  } catch {
    // What is wrong with it comes to light where it is sent as it is.
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
