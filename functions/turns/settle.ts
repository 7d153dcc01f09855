import { type Clock, iso } from "../domain/clock.ts";
import type { Config } from "../domain/config/index.ts";
import { maxTurns } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { retryDelayMs } from "../domain/retry.ts";
import type { Entry } from "../domain/rollup.ts";
import { ownRouting } from "../domain/routing.ts";
import { isTerminal, type Session, type SessionError, shortened } from "../domain/session.ts";
import { continuedTurn } from "../domain/turn-request.ts";
import type { ResultPage } from "../store/deliveries.ts";
import type { Departures } from "../store/departures.ts";
import type { Lanes } from "../store/lanes.ts";
import type { MoveChanges, Moved, SessionChanges, Sessions } from "../store/sessions.ts";
import type { RequestEntry, ResultEntry, Turns } from "../store/turns.ts";
import { noteDeparture } from "./departure.ts";
import { insertNext } from "./next-request.ts";
import { writeResult } from "./write-result.ts";

export interface SettleDeps {
  sessions: Sessions;
  turns: Turns;
  lanes: Lanes;
  departures: Departures;
  config: Config;
  retrySeconds: number;
  clock: Clock;
  random: () => number;
  log: Log;
  /** The page that it is read from, where that is read again until all whom it ended are told of: they are not due by themselves. */
  page?: ResultPage;
  /** Told of each result that is new, and stands for good: an answer that has just won, or one that is not billed. */
  onBooked?: (entry: Entry | undefined) => void;
}

/** What a turn no longer has once it is out of its manifest. */
const outOfManifest: SessionChanges = { manifestId: undefined, submittedAt: undefined, visits: undefined };

/**
 * Writes a result down, which books it, and then makes the one conditional move it allows. `seen` may be stale: the
 * condition decides. Run again, it changes nothing.
 * @returns the session, if this ended its turn: it is due to be delivered
 */
export async function settle(seen: Session, entry: ResultEntry, deps: SettleDeps): Promise<Session | undefined> {
  const { isNew, booked } = await writeResult(seen, entry, deps);
  if (isNew && booked === undefined) deps.onBooked?.(undefined);
  if (seen.turn !== entry.turn || isTerminal(seen.status)) return endedBy(seen, entry);
  const moved = await apply(seen, entry, deps);
  // Another reader of the same source was quicker, and may have died since.
  if (moved?.moved !== true) return moved?.current === undefined ? undefined : endedBy(moved.current, entry);
  if (isNew && booked !== undefined && hasWon(moved.session, entry)) deps.onBooked?.({ ...booked, standing: "winner" });
  const left = moved.session.manifestId ?? seen.manifestId;
  if (left !== entry.source && moved.session.status !== "submitted") await noteDeparture(left, deps);
  return isTerminal(moved.session.status) ? moved.session : undefined;
}

function hasWon({ status, turn, winner }: Session, entry: ResultEntry): boolean {
  return isTerminal(status) && turn === entry.turn && winner === entry.source;
}

/** After a crash between the move and the delivery, the same result finds its turn ended by itself, and undelivered. */
function endedBy(seen: Session, { turn, source }: ResultEntry): Session | undefined {
  const isOurs = seen.turn === turn && seen.winner === source && isTerminal(seen.status);
  return isOurs && seen.delivered !== true ? seen : undefined;
}

/** A usable answer of the current turn moves it from anywhere; everything else only where the session waits for this source. */
async function apply(seen: Session, entry: ResultEntry, deps: SettleDeps): Promise<Moved | undefined> {
  const { outcome, source } = entry;
  if (outcome.kind === "answer") return finish(seen, source, outcome, deps);
  if (outcome.kind === "continue") return continueTurn(seen, entry, deps);
  const isWaiting =
    (seen.status === "submitted" && seen.manifestId === source) || (seen.status === "running" && seen.run === source);
  if (!isWaiting) return undefined;
  if (outcome.kind === "refused") return fail(seen, outcome.error, deps);
  if (outcome.kind === "park") return park(seen, outcome, deps);
  const error = outcome.kind === "again" ? outcome.error : { type: "canceled", message: "the batch was canceled" };
  return tryAgain(seen, error, deps);
}

function finish(
  seen: Session,
  source: string,
  outcome: Extract<Outcome, { kind: "answer" }>,
  deps: SettleDeps,
): Promise<Moved> {
  const { status, stopReason, truncated, error } = outcome;
  return deps.sessions.move("finish", seen, status, {
    winner: source,
    stopReason,
    ...(truncated ? { truncated } : {}),
    ...(error === undefined ? {} : { error: shortened(error) }),
    endedAt: deps.clock.now(),
    ...(deps.page === undefined || seen.manifestId !== source ? {} : { page: deps.page.page }),
  });
}

/** The same task goes on in a next turn, which carries the assistant's content so far. */
async function continueTurn(seen: Session, entry: ResultEntry, deps: SettleDeps): Promise<Moved | undefined> {
  const { sessions, turns, clock } = deps;
  const { sessionId, turn, source } = entry;
  const last = await turns.getRequest(sessionId, turn);
  if (last === undefined) return undefined;
  const next = continuedTurn(last.request, { turn, source, at: clock.now() });
  if ((next.pauses ?? 0) >= maxTurns) {
    const error = { type: "max_turns", message: `the model paused ${maxTurns} times without an end` };
    return finish(
      seen,
      source,
      { kind: "answer", status: "failed", stopReason: "pause_turn", truncated: false, error },
      deps,
    );
  }
  const isThere = ({ request: { message, previous } }: RequestEntry) =>
    message === null && previous?.turn === turn && previous.source === source;
  const request = { sessionId, hash: last.hash, request: next, expiresAt: seen.expiresAt };
  const nextTurn = await insertNext(request, { after: turn, isThere }, turns);
  return sessions.move("nextTurn", seen, "queued", {
    ...outOfManifest,
    ...ownRouting(seen),
    // A pause is no answer: the deadline still holds, and may take the next turn real-time as well.
    fellBack: undefined,
    turn: nextTurn,
    attempt: 1,
    sendNo: 1,
    notBefore: 0,
  });
}

/** Ends a turn for good, from wherever it stands. A fallback's failure leaves the batch its chance. */
export function fail(
  seen: Session,
  error: SessionError,
  deps: Pick<SettleDeps, "sessions" | "clock" | "log">,
): Promise<Moved> {
  const { sessions, clock, log } = deps;
  const ending = { error: shortened(error), endedAt: clock.now() };
  log("session_failed", { sessionId: seen.sessionId, type: error.type });
  if (seen.status === "queued") return sessions.move("failQueued", seen, "failed", ending);
  if (seen.status === "submitted") return sessions.move("leaveBatch", seen, "failed", ending);
  if (seen.manifestId !== undefined) return sessions.move("leaveRun", seen, "submitted", { because: error.type });
  return sessions.move("leaveRun", seen, "failed", ending);
}

/** Nothing is wrong with the task: it waits with its lane, and burns no attempt. */
async function park(seen: Session, outcome: Extract<Outcome, { kind: "park" }>, deps: SettleDeps): Promise<Moved> {
  const parked = await deps.lanes.parkUntilResult(seen.lane, outcome.reason);
  deps.log("lane_parked", { lane: seen.lane, reason: outcome.reason, until: iso(parked.until) });
  return requeue(seen, { notBefore: parked.until, sendNo: seen.sendNo + 1, because: outcome.reason }, deps);
}

/** Another attempt after a pause, until there have been enough of them. */
export function tryAgain(seen: Session, error: SessionError, deps: SettleDeps): Promise<Moved> {
  const { config, clock, random, retrySeconds, log } = deps;
  const lane = config.lanes.find(({ id }) => id === seen.lane) ?? config.lanes.find(({ id }) => id === "default");
  if (seen.attempt >= (lane?.maxAttempts ?? 1)) {
    return fail(seen, { ...error, message: `after ${seen.attempt} attempts: ${error.message}` }, deps);
  }
  const notBefore = clock.now() + retryDelayMs(seen.attempt, retrySeconds, random);
  log("session_requeued", { sessionId: seen.sessionId, attempt: seen.attempt + 1, type: error.type });
  return requeue(seen, { notBefore, attempt: seen.attempt + 1, sendNo: seen.sendNo + 1, because: error.type }, deps);
}

/** Back to the queue; a fallback goes back to the batch it still waits for instead. */
export function requeue(
  seen: Session,
  changes: MoveChanges,
  { sessions }: Pick<SettleDeps, "sessions">,
): Promise<Moved> {
  if (seen.status === "submitted") return sessions.move("leaveBatch", seen, "queued", { ...outOfManifest, ...changes });
  const because = changes.because === undefined ? {} : { because: changes.because };
  const isWaiting = "fellBack" in changes ? { fellBack: changes.fellBack } : {};
  if (seen.manifestId !== undefined) return sessions.move("leaveRun", seen, "submitted", { ...isWaiting, ...because });
  return sessions.move("leaveRun", seen, "queued", { ...outOfManifest, ...changes });
}
