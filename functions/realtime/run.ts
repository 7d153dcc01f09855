import type { Anthropic } from "../clients/anthropic.ts";
import { isAway } from "../clients/away.ts";
import type { NewId } from "../domain/clock.ts";
import type { Lane } from "../domain/config/index.ts";
import type { RefusedAnswer } from "../domain/create-outcome.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { callSample } from "../domain/latency.ts";
import {
  clockSkewSeconds,
  maxFallbackLeadSeconds,
  realtimeCallSeconds,
  realtimeLeaseSeconds,
} from "../domain/limits.ts";
import { errorOutcome, type Outcome, parseMessage } from "../domain/outcome.ts";
import { isCurrent, parseQueueMessage, realtimeQueue } from "../domain/queue-message.ts";
import { retryDelayMs } from "../domain/retry.ts";
import { deadlineActionAt, isTerminal, runPrefix, type Session } from "../domain/session.ts";
import { messageBody } from "../domain/turn-request.ts";
import { isLeftToDeadLetters, isPoison } from "../domain/visits.ts";
import { type Books, minuteOf } from "../store/books.ts";
import type { CacheRuns } from "../store/cache-runs.ts";
import type { Latencies } from "../store/latencies.ts";
import type { Moved } from "../store/sessions.ts";
import { loadConversation } from "../turns/conversation.ts";
import { type DeliverDeps, deliver } from "../turns/deliver.ts";
import { failPoison } from "../turns/poison.ts";
import { fail, requeue, type SettleDeps, settle } from "../turns/settle.ts";
import { endUnknownRun } from "../turns/unknown-run.ts";
import { writeResult } from "../turns/write-result.ts";
import { admit, giveBack, park, probeAgain, putOff, type Run, resume } from "./parking.ts";

export interface RealtimeDeps extends SettleDeps, DeliverDeps {
  /** The API by the credential of a lane. */
  anthropicFor(lane: Pick<Lane, "apiKeySecret" | "workspaceId">): Anthropic;
  newId: NewId;
  latencies: Latencies;
  books: Books;
  cacheRuns: CacheRuns;
}

/** A message as the queue hands it over: how often it has been received, this time included. */
export interface Handed {
  body: string;
  receives: number;
}

/** A message that is `done` with is deleted; one that is `left` becomes a dead letter in the end. */
export type Fate = "done" | "left";

/**
 * One message of the real-time queue: claim, write the attempt down, call once, write down what came. It is final
 * whenever it returns; only a store or queue that is away makes it throw, and the message come again.
 */
export async function runMessage({ body, receives }: Handed, deps: RealtimeDeps): Promise<Fate> {
  const { sessions, log } = deps;
  const message = parseQueueMessage(body);
  if (message === undefined) {
    log("message_rejected", { queue: "realtime" });
    return "done";
  }
  const session = await sessions.get(message.sessionId);
  if (session !== undefined && isLeftToDeadLetters(session, receives)) return "left";
  if (session === undefined || !isCurrent(message, session)) {
    log("message_dropped", { sessionId: message.sessionId });
    return "done";
  }
  if (session.status === "queued" && isPoison(session)) {
    await failPoison(session, deps);
    return "left";
  }
  await runSession(session, deps);
  return "done";
}

async function runSession(session: Session, deps: RealtimeDeps): Promise<void> {
  const run = await admit(session, `${runPrefix}${deps.newId()}`, deps);
  if ("until" in run) return putOff(session, run.until, deps);
  const lease = { run: run.id, runEndsAt: deps.clock.now() + realtimeLeaseSeconds * 1000 };
  const claimed = await claim(session, lease, deps);
  if (claimed?.moved !== true) {
    await giveBack(run, deps);
    return deps.log("message_dropped", { sessionId: session.sessionId });
  }
  const ended = await attempt(claimed.session, run, deps);
  if (ended !== undefined) await deliver([ended], deps);
  await deps.books.mark("MINUTE", minuteOfRun(claimed.session));
}

/** The minute in which it was claimed, which is the one it is booked in. */
function minuteOfRun({ runEndsAt = 0 }: Session): string {
  return minuteOf(runEndsAt - realtimeLeaseSeconds * 1000);
}

/** A session routed real-time, or one in a batch whose deadline is near: then its manifest is kept. */
async function claim(
  session: Session,
  lease: { run: string; runEndsAt: number },
  { sessions, clock }: RealtimeDeps,
): Promise<Moved | undefined> {
  if (session.status === "queued" && session.mode === "realtime")
    return sessions.move("start", session, "running", lease);
  // The poller has decided, by what it knows of the time a call takes: here only a message astray is to be refused.
  const actionAt = deadlineActionAt(session, (maxFallbackLeadSeconds + clockSkewSeconds) * 1000);
  const isFallback =
    session.status === "submitted" &&
    session.onDeadline === "fallback" &&
    actionAt !== undefined &&
    actionAt <= clock.now();
  return isFallback ? sessions.move("fallBack", session, "running", { ...lease, fellBack: true }) : undefined;
}

/** @returns the session, if this ended its turn */
async function attempt(session: Session, run: Run, deps: RealtimeDeps): Promise<Session | undefined> {
  const { turns, books, clock, config } = deps;
  const { sessionId, turn, runEndsAt = 0, expiresAt } = session;
  const request = await loadRequest(session, deps);
  if (request === "away") {
    await giveBack(run, deps);
    return waitForStore(session, deps);
  }
  if (request === undefined) {
    await giveBack(run, deps);
    return endedIn(await fail(session, { type: "unreadable", message: "its request cannot be read" }, deps));
  }
  const startedAt = clock.now();
  await books.beginRun({ sessionId, turn, run: run.id, endsAt: runEndsAt }, minuteOfRun(session));
  await turns.putAttempt({ sessionId, turn, run: run.id, startedAt, expiresAt });
  // It ends before its lease does, however long it took to get here: after that somebody else may make the next.
  const timeoutMs = Math.min(realtimeCallSeconds * 1000, runEndsAt - clockSkewSeconds * 1000 - clock.now());
  if (timeoutMs <= 0) {
    await giveBack(run, deps);
    return waitForStore(session, deps);
  }
  const lane = config.lanes.find(({ id }) => id === session.lane) ?? {};
  const answer = await deps.anthropicFor(lane).createMessage({ ...request, timeoutMs });
  if (answer.kind === "accepted") {
    const sample = callSample(session, startedAt, clock.now());
    // What was paid for is written down before anything else.
    const ended = await settleAnswer(session, { run: run.id, text: answer.text, startedAt }, deps);
    await deps.latencies.record(realtimeQueue, run.id, sample);
    await resume(run, deps);
    return ended;
  }
  if (answer.kind === "refused" && isCertain(answer.answer)) return settleRefusal(session, run, answer.answer, deps);
  await probeAgain(run, deps);
  return endUnknownRun(session, deps);
}

async function loadRequest(session: Session, { turns, log }: RealtimeDeps) {
  try {
    const conversation = await loadConversation(session, turns);
    return { body: messageBody(conversation), betas: conversation.requests.at(-1)?.betas ?? [] };
  } catch (error) {
    if (isAway(error)) return "away";
    if (!(error instanceof CorruptRecordError)) throw error;
    log("record_corrupt", { sessionId: session.sessionId, what: error.message });
    return undefined;
  }
}

/** Nothing was called, and nothing is wrong with the session: that is no visit to be counted. */
async function waitForStore(session: Session, deps: RealtimeDeps): Promise<undefined> {
  const { clock, random, retrySeconds } = deps;
  const { visits } = session;
  const notBefore = clock.now() + retryDelayMs(session.sendNo, retrySeconds, random);
  await requeue(session, { notBefore, sendNo: session.sendNo + 1, visits, fellBack: undefined }, deps);
}

async function settleAnswer(
  session: Session,
  { run, text, startedAt }: { run: string; text: string; startedAt: number },
  deps: RealtimeDeps,
): Promise<Session | undefined> {
  const result = parseMessage(text);
  if (result === undefined) return endUnknownRun(session, deps);
  const { sessionId, turn, agentId, model } = session;
  const about = { sessionId, turn, source: run, receivedAt: deps.clock.now(), text };
  const ended = await settle(session, { tier: "standard", ...result, ...about }, deps);
  if (result.usage !== undefined) {
    const { cacheRead: read, cacheWrite5m: written5m, cacheWrite1h: written1h } = result.usage;
    const cached = { startedAt, endedAt: about.receivedAt, requests: 1, read, written5m, written1h };
    await deps.cacheRuns.record({ agentId, model, mode: "realtime" }, run, cached);
  }
  return ended;
}

/** An answer in Anthropic's own words proves that nothing was made; a 5xx other than "overloaded" does not. */
function isCertain({ status, error }: RefusedAnswer): boolean {
  return error !== undefined && (status < 500 || status === 529);
}

const busyStatuses = [0, 408, 409, 429, 529];
const parkingStatuses: Record<number, string> = { 401: "authentication", 402: "billing", 403: "permission" };

/** Limits and overload wait, without burning an attempt; money and credentials park; the rest is final. */
async function settleRefusal(
  session: Session,
  run: Run,
  answer: RefusedAnswer,
  deps: RealtimeDeps,
): Promise<Session | undefined> {
  const { clock, log, random, retrySeconds } = deps;
  const { sessionId, turn } = session;
  const { status, retryAfterSeconds } = answer;
  const error = { type: answer.error?.type ?? "api_error", message: answer.error?.message ?? `HTTP ${status}` };
  const judged = errorOutcome(answer.error ?? {});
  const reason = judged.kind === "park" ? judged.reason : parkingStatuses[status];
  const isFinal = reason === undefined && !busyStatuses.includes(status);
  const outcome: Outcome = isFinal ? { kind: "refused", error } : { kind: "again", error };
  const about = { sessionId, turn, source: run.id, tier: "standard" as const, receivedAt: clock.now(), text: "" };
  const entry = { ...about, type: "refused", billed: false, outcome };
  if (isFinal) {
    // Whoever finds fault with a request has let its credential in.
    await resume(run, deps);
    return settle(session, entry, deps);
  }
  await writeResult(session, entry, deps);
  log("realtime_refused", { sessionId, status, type: error.type });
  if (reason === undefined) await probeAgain(run, deps);
  const notBefore =
    reason === undefined
      ? clock.now() + (retryAfterSeconds ?? 0) * 1000 + retryDelayMs(session.sendNo, retrySeconds, random)
      : await park(run, reason, deps, retryAfterSeconds);
  // A fallback that only has to wait is still to come.
  const changes = { notBefore, sendNo: session.sendNo + 1, fellBack: undefined, because: error.type };
  await requeue(session, changes, deps);
  return undefined;
}

function endedIn(moved: Moved): Session | undefined {
  return moved.moved && isTerminal(moved.session.status) ? moved.session : undefined;
}
