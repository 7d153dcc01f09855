import type { Queues } from "../clients/sqs.ts";
import { iso, type NewId } from "../domain/clock.ts";
import { checkSameBody, RequestError } from "../domain/errors.ts";
import type { FollowUpRequest } from "../domain/follow-up-request.ts";
import { deliveryId, derivedId } from "../domain/ids.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { maxFollowUpTurn } from "../domain/limits.ts";
import { takesMessagesUntil } from "../domain/retention.ts";
import { followUpRouting } from "../domain/routing.ts";
import { isTerminal, type Session } from "../domain/session.ts";
import { chainOf, endOf } from "../domain/turn-chain.ts";
import { followUpTurn } from "../domain/turn-request.ts";
import type { SessionChanges } from "../store/sessions.ts";
import type { RequestEntry } from "../store/turns.ts";
import { type DeliverDeps, deliver } from "../turns/deliver.ts";
import { insertNext } from "../turns/next-request.ts";
import { followUpReserved, type ReserveDeps } from "../turns/reserve.ts";
import { sendOrLeaveToRescue } from "../turns/send.ts";

export interface FollowUpInput {
  /** As it was read last. */
  session: Session;
  request: FollowUpRequest;
  client: string;
  idempotencyKey?: string;
  /** SHA-256 of what was sent: the same key with another one is a conflict. */
  hash: string;
}

export interface FollowUpDeps extends DeliverDeps, ReserveDeps {
  queues: Queues;
  newId: NewId;
  tickSeconds: number;
}

/** What each call has besides: which one it is, the same for a repeat. */
type Call = FollowUpInput & { callId: string };

/**
 * A new turn of a session that has ended: its request, then one move, then the queue. A crash in between is finished by the
 * same call repeated with its key; a request whose move another was quicker than is of no turn.
 * @returns the turn
 * @throws RequestError 400 with the field, 402 where a budget has no room, 409 while a turn is under way, 410 in its last month, 503 while the outside cannot be told of the last
 */
export async function followUp(input: FollowUpInput, deps: FollowUpDeps): Promise<number> {
  const { session, client, idempotencyKey } = input;
  const callId = idempotencyKey === undefined ? deps.newId() : derivedId(client, session.sessionId, idempotencyKey);
  const call: Call = { ...input, callId };
  const earlier = idempotencyKey === undefined ? undefined : await acceptedBefore(call, deps);
  if (earlier?.isAdopted === true) return earlier.turn;
  if (!isTerminal(session.status)) throw underWay(session);
  checkTakesMessages(session, deps);
  const changes = changesOf(call, deps);
  const told = await toldOf(session, deps);
  return adopt(told, earlier?.turn ?? (await writeDown(call, deps)), changes, deps);
}

/** A repeat finds its request; whether a turn was made of it, the session's own chain of turns tells. */
async function acceptedBefore(
  call: Call,
  { turns }: FollowUpDeps,
): Promise<{ turn: number; isAdopted: boolean } | undefined> {
  const { session, callId, hash } = call;
  const { requests } = await turns.read(session.sessionId);
  const mine = [...requests].filter(([, request]) => request.callId === callId).map(([turn]) => turn);
  const [first] = mine;
  if (first === undefined) return undefined;
  const entry = await turns.getRequest(session.sessionId, first);
  if (entry !== undefined) checkSameBody(entry.hash, hash);
  const chain = new Set(chainOf(session, requests).map(({ turn }) => turn));
  const adopted = mine.find((turn) => chain.has(turn));
  if (adopted !== undefined) return { turn: adopted, isAdopted: true };
  // One that followed an older turn was overtaken, and can never be made a turn any more.
  const open = mine.find((turn) => requests.get(turn)?.previous?.turn === session.turn);
  return open === undefined ? undefined : { turn: open, isAdopted: false };
}

/** A turn stays due until the outside was told of it, so it must have been before another takes its place. */
async function toldOf(session: Session, deps: FollowUpDeps): Promise<Session> {
  const { sessions, turns } = deps;
  if (session.delivered === true) return session;
  const deliveredAt = (await turns.delivered([session])).get(session.sessionId);
  if (deliveredAt !== undefined) {
    // Its own from here on: the session says where its current turn ended, and no longer where this one did.
    const { sessionId, turn, expiresAt } = session;
    await turns.insertDelivery({ sessionId, turn, id: deliveryId(sessionId, turn), at: deliveredAt, expiresAt });
    return { ...session, delivered: true };
  }
  await deliver([session], deps);
  const now = await sessions.get(session.sessionId);
  if (now?.turn !== session.turn) throw underWay(now ?? session);
  if (now.delivered === true) return now;
  const headers = { "retry-after": String(deps.tickSeconds) };
  throw new RequestError(503, "the end of the last turn could not be delivered yet", { headers });
}

async function writeDown({ session, request, hash, callId }: Call, { turns, clock }: FollowUpDeps): Promise<number> {
  const { sessionId, turn } = session;
  if (turn >= maxFollowUpTurn) throw new RequestError(409, `a session has at most ${maxFollowUpTurn} turns`);
  const last = await turns.getRequest(sessionId, turn);
  const end = endOf(session);
  if (last === undefined || end === undefined) throw new Error(`session ${sessionId}: no request of turn ${turn}`);
  const said = { message: request.message, callId, previous: { turn, ...end }, at: clock.now() };
  const isThere = (there: RequestEntry) => {
    const isOurs = there.request.callId === callId && there.request.previous?.turn === turn;
    if (isOurs) checkSameBody(there.hash, hash);
    return isOurs;
  };
  const entry = { sessionId, hash, request: followUpTurn(last.request, said), expiresAt: session.expiresAt };
  return insertNext(entry, { after: turn, isThere }, turns);
}

/** What the session forgets of the turn before, and what the new one begins with. */
function changesOf({ session, request }: Call, { config, clock }: FollowUpDeps): SessionChanges {
  const askedAt = clock.now();
  const { deadlineAt, createdAt } = session;
  const timeoutMs = deadlineAt === undefined ? undefined : deadlineAt - (session.askedAt ?? createdAt);
  const agent = config.agents.find(({ id }) => id === session.agentId);
  const routing = followUpRouting(request.mode, session, agent);
  const lane = config.lanes.find(({ id }) => id === session.lane);
  return {
    ...routing,
    askedAt,
    attempt: 1,
    sendNo: 1,
    notBefore: routing.mode === "batch" && lane !== undefined ? opensAt(lane, askedAt) : 0,
    ...(timeoutMs === undefined ? {} : { deadlineAt: askedAt + timeoutMs }),
    submittedAt: undefined,
    visits: undefined,
    endedAt: undefined,
    manifestId: undefined,
    fellBack: undefined,
    winner: undefined,
    stopReason: undefined,
    truncated: undefined,
    error: undefined,
    page: undefined,
    delivered: undefined,
  };
}

/** Of several follow-ups at once, one moves the session; the others are told that a turn is under way. */
async function adopt(session: Session, turn: number, changes: SessionChanges, deps: FollowUpDeps): Promise<number> {
  const { turns, queues, log } = deps;
  const { sessionId, agentId } = session;
  const saidSoFar = async () => {
    const { requests } = await turns.read(sessionId);
    const next = requests.get(turn);
    return [...chainOf(session, requests).map(({ request }) => request), ...(next === undefined ? [] : [next])];
  };
  const moved = await followUpReserved(session, { ...changes, turn }, { ...deps, saidSoFar });
  if (moved.moved) {
    const { mode, lane, notBefore } = moved.session;
    log("session_accepted", { sessionId, agentId, mode, lane, turn });
    // What may not be sent yet is sent by rescue, when it may.
    if (notBefore === 0) await sendOrLeaveToRescue([moved.session], queues, log);
    return turn;
  }
  const { current } = moved;
  if (current === undefined) throw new Error(`session ${sessionId} is no longer there`);
  // The same call at the same time may have made it a turn, which may even have paused since.
  const { requests } = await turns.read(sessionId);
  if (chainOf(current, requests).some((one) => one.turn === turn)) return turn;
  throw underWay(current);
}

/** What is accepted must have time to end, and its answer to be read, before the session goes. */
function checkTakesMessages(session: Session, { clock }: FollowUpDeps): void {
  const until = takesMessagesUntil(session) ?? Number.POSITIVE_INFINITY;
  if (clock.now() < until) return;
  throw new RequestError(410, `this session took messages until ${iso(until)}: spawn another`);
}

function underWay({ status, turn }: Session): RequestError {
  const message = isTerminal(status)
    ? `another message came first: turn ${turn} has ended since (${status})`
    : `turn ${turn} is under way: the session is ${status}`;
  return new RequestError(409, message);
}
