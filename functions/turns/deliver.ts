import type { Events, OutgoingEvent } from "../clients/eventbridge.ts";
import type { Clock } from "../domain/clock.ts";
import { completedEvent, digestEvent } from "../domain/completed-event.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import type { Config } from "../domain/config/index.ts";
import { nameOf } from "../domain/errors.ts";
import { deliveryId, turnName } from "../domain/ids.ts";
import { concurrency, eventsPerCall, maxDigestIds } from "../domain/limits.ts";
import type { Log, Metrics } from "../domain/log.ts";
import { expiriesOf } from "../domain/retention.ts";
import type { Session, Status } from "../domain/session.ts";
import type { Usage } from "../domain/usage.ts";
import type { ResultPage } from "../store/deliveries.ts";
import type { Sessions } from "../store/sessions.ts";
import type { Turns } from "../store/turns.ts";

export interface DeliverDeps {
  sessions: Sessions;
  turns: Turns;
  events: Events;
  config: Config;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** What is known of winning results already, by session, so that they need not be read again. */
  known?: ReadonlyMap<string, { usage?: Usage }>;
  /** The page of results that is read just now: whom it ended is noted in one write. */
  page?: ResultPage;
}

/** What one event tells: how a turn ended, or how many did. */
type Telling = { kind: "each"; sessions: readonly [Session] } | { kind: "digest"; sessions: readonly Session[] };

/**
 * Tells the outside that turns ended, in the form that each agent's consumers want. What the bus took is noted, as a fact of
 * each turn, and taken out of the index where it is due; what it did not take stays due, or becomes so. A crash in between puts
 * the same ends, with the same ids, once more.
 * @returns of how many nothing could be noted: whoever is not due yet must be told of again
 */
export async function deliver(ended: readonly Session[], deps: DeliverDeps): Promise<number> {
  const calls = chunksOf(tellingsOf(ended, deps), eventsPerCall);
  const told = (await mapConcurrently(calls, concurrency / 4, (tellings) => deliverSome(tellings, deps))).flat();
  countEnds(told, deps);
  return noteAll(told, deps);
}

/** Only those that the bus took: the others come again, and would count twice. */
function countEnds(told: readonly Told[], { metrics }: DeliverDeps): void {
  const taken = told.filter(({ isTaken }) => isTaken);
  if (taken.length === 0) return;
  const count = (status: Status) => taken.filter(({ session }) => session.status === status).length;
  metrics({ endedTurns: taken.length, failedTurns: count("failed"), missedDeadlines: count("timeout") });
}

function tellingsOf(ended: readonly Session[], { config }: DeliverDeps): Telling[] {
  const inDigests = new Set(config.agents.flatMap(({ id, delivery }) => (delivery === "digest" ? [id] : [])));
  const isInDigest = ({ agentId }: Session) => inDigests.has(agentId);
  const byAgent = Map.groupBy(ended.filter(isInDigest), ({ agentId }) => agentId);
  const digests = [...byAgent.values()].flatMap((sessions) => chunksOf(sessions, maxDigestIds));
  return [
    ...ended.flatMap((session): Telling[] => (isInDigest(session) ? [] : [{ kind: "each", sessions: [session] }])),
    ...digests.map((sessions) => ({ kind: "digest" as const, sessions })),
  ];
}

/** What became of one end: the bus has taken its event, or it has not. */
interface Told {
  session: Session;
  isTaken: boolean;
}

async function deliverSome(tellings: readonly Telling[], deps: DeliverDeps): Promise<Told[]> {
  const { events } = deps;
  const made = await mapConcurrently(tellings, eventsPerCall, async (telling) => ({
    sessions: telling.sessions,
    event: await eventOf(telling, deps),
  }));
  const told = made.flatMap(({ event }) => event ?? []);
  const answers = told.length === 0 ? [] : await putOrNone(told, events);
  const taken = new Set(told.filter((_, index) => answers[index] === true));
  return made.flatMap(({ sessions, event }) =>
    sessions.map((session) => ({ session, isTaken: event !== undefined && taken.has(event) })),
  );
}

/** @returns of how many nothing could be noted */
async function noteAll(told: readonly Told[], deps: DeliverDeps): Promise<number> {
  const ofPage = ({ session, isTaken }: Told) => isTaken && isEndedBy(session, deps.page);
  const together = told.filter(ofPage).map(({ session }) => session);
  const isPageNoted = together.length === 0 || (await notePage(together, deps));
  const others = told.filter((one) => !ofPage(one));
  const areNoted = await mapConcurrently(others, concurrency, ({ session, isTaken }) =>
    isNoted(session, isTaken, deps),
  );
  return areNoted.filter((one) => !one).length + (isPageNoted ? 0 : together.length);
}

/** Then it was never due by itself, and there is nothing to be taken out of the index. */
function isEndedBy(session: Session, page: ResultPage | undefined): boolean {
  return page !== undefined && session.winner === page.manifestId && session.page === page.page;
}

async function notePage(ended: readonly Session[], { turns, clock, log, page }: DeliverDeps): Promise<boolean> {
  try {
    if (page !== undefined)
      await turns.insertDeliveries(page, ended.map(turnName), {
        at: clock.now(),
        expiresAt: expiriesOf(ended).lastExpiry,
      });
    return true;
  } catch (error) {
    log("delivery_failed", { manifestId: page?.manifestId, error: nameOf(error) });
    return false;
  }
}

/** Whether its delivery is noted, or at least that it is due: then it is put again, under the same id. */
async function isNoted(session: Session, isTaken: boolean, deps: DeliverDeps): Promise<boolean> {
  const { sessions, log } = deps;
  try {
    await noteDelivery(session, isTaken, deps);
    return true;
  } catch (error) {
    log("delivery_failed", { sessionId: session.sessionId, error: nameOf(error) });
    return sessions.note("undelivered", session, {}).then(
      () => true,
      () => false,
    );
  }
}

async function noteDelivery(
  session: Session,
  isTaken: boolean,
  { sessions, turns, clock, log }: DeliverDeps,
): Promise<void> {
  const { sessionId, turn, expiresAt } = session;
  if (!isTaken) {
    log("delivery_failed", { sessionId, turn });
    await sessions.note("undelivered", session, {});
    return;
  }
  await turns.insertDelivery({ sessionId, turn, id: deliveryId(sessionId, turn), at: clock.now(), expiresAt });
  await sessions.note("delivered", session, { delivered: true });
}

async function putOrNone(told: readonly OutgoingEvent[], events: Events): Promise<boolean[]> {
  try {
    return await events.put(told);
  } catch {
    return told.map(() => false);
  }
}

/** One whose event cannot be made keeps no other from being told; it stays due, and its alarm stands. */
async function eventOf({ kind, sessions }: Telling, deps: DeliverDeps): Promise<OutgoingEvent | undefined> {
  if (kind === "digest") return { detailType: "sessions.completed", detail: digestEvent(sessions) };
  const [session] = sessions;
  try {
    return { detailType: "session.completed", detail: completedEvent(session, await winnerOf(session, deps)) };
  } catch (error) {
    deps.log("delivery_failed", { sessionId: session.sessionId, error: nameOf(error) });
    return undefined;
  }
}

/** An event says how a turn ended, even where its tokens cannot be read. */
async function winnerOf(
  { sessionId, turn, winner }: Session,
  { turns, log, known }: DeliverDeps,
): Promise<{ usage?: Usage } | undefined> {
  try {
    return known?.get(sessionId) ?? (winner === undefined ? undefined : await turns.getResult(sessionId, turn, winner));
  } catch (error) {
    log("record_corrupt", { sessionId, what: nameOf(error) });
    return undefined;
  }
}
