import { estimateOf, nanoToUsd } from "../domain/budget.ts";
import { iso } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { deliveryId } from "../domain/ids.ts";
import type { Expected } from "../domain/latency.ts";
import { sessionCost } from "../domain/ledger.ts";
import { contentOf } from "../domain/outcome.ts";
import { toUsd } from "../domain/picos.ts";
import type { PriceTable } from "../domain/prices.ts";
import { describeRouting } from "../domain/routing.ts";
import { isTerminal, runPrefix, type Session } from "../domain/session.ts";
import { type Standing, standingOf } from "../domain/standing.ts";
import { readTimeline } from "../domain/timeline.ts";
import { chainOf } from "../domain/turn-chain.ts";
import { addUsage, noUsage } from "../domain/usage.ts";
import type { StoredResult, TurnFacts } from "../store/turn-items.ts";
import type { Turns } from "../store/turns.ts";

const isoOr = (time: number | undefined) => (time === undefined ? undefined : iso(time));

/** A session as lists show it; without what takes more than its small item to know. */
export function summarize(session: Session, expected?: ReadonlyMap<string, Expected>) {
  const { sessionId, sessionKey, agentId, label, model, status, stopReason, truncated, error, createdAt } = session;
  const { submittedAt, endedAt, deadlineAt, expiresAt, turn, delivered } = session;
  return {
    sessionId,
    sessionKey,
    agentId,
    label,
    model,
    status,
    turn,
    routing: describeRouting(session, expected),
    createdAt: iso(createdAt),
    submittedAt: isoOr(submittedAt),
    endedAt: isoOr(endedAt),
    deadlineAt: isoOr(deadlineAt),
    expiresAt: expiresAt === undefined ? undefined : iso(expiresAt * 1000),
    stopReason,
    truncated,
    error,
    delivery: {
      status: delivered === true ? "delivered" : isTerminal(status) ? "pending" : "not-due",
      id: deliveryId(sessionId, turn),
    },
  };
}

/** What is known beside its small item. */
export interface Known {
  facts: TurnFacts;
  prices: PriceTable;
  expected?: ReadonlyMap<string, Expected>;
}

/** A session whole: with the tokens of its answers, what it cost, and whether the outside was told. */
export function describe(session: Session, { facts, prices, expected }: Known) {
  const chain = chainOf(session, facts.requests);
  const winners = new Set(chain.flatMap(({ end }) => end?.source ?? []));
  const won = facts.results.filter(({ source }) => winners.has(source));
  const ends = new Map(chain.map(({ turn, end }) => [turn, end]));
  const results = facts.results.map((result) => ({ ...result, standing: standingOf(result, ends.get(result.turn)) }));
  const usages = won.flatMap(({ usage }) => (usage === undefined ? [] : [usage]));
  const usage = usages.reduce(addUsage, noUsage);
  const unknown = facts.attempts.filter(
    ({ run }) =>
      !(session.status === "running" && session.run === run) && !facts.results.some(({ source }) => source === run),
  );
  const cost = sessionCost(results);
  // That of a real-time attempt is missed already: the attempt seems to be without one.
  const lost = facts.damaged.filter((sk) => sk.startsWith("RESULT#") && !sk.includes(`#${runPrefix}`)).length;
  const missing = cost.missing + unknown.length + lost;
  const isKnown = facts.results.length > 0 || missing > 0;
  const summary = summarize(session, expected);
  return {
    ...summary,
    usage,
    ...(isKnown ? { cost: { ...cost, missing, missingUpToUsd: mostOf(session, unknown, { facts, prices }) } } : {}),
    ...describeResults(results),
    delivery: withDelivery(summary, facts),
    metadata: facts.requests.get(1)?.metadata,
    timeline: describeTimeline(session, facts),
    ...(facts.damaged.length === 0 ? {} : { damaged: facts.damaged }),
  };
}

/** What real-time calls of unknown outcome may have cost at most; `undefined` where there are none, or one has no price. */
function mostOf(session: Session, unknown: TurnFacts["attempts"], { facts, prices }: Known): number | undefined {
  const estimates = unknown.map(({ turn }) => {
    const requests = chainOf({ ...session, turn }, facts.requests).map(({ request }) => request);
    return estimateOf({ ...session, mode: "realtime" }, { requests, lane: undefined }, prices);
  });
  if (estimates.length === 0 || estimates.some(({ known }) => !known)) return undefined;
  return nanoToUsd(estimates.reduce((sum, one) => sum + (one.known ? one.nanoUsd : 0), 0));
}

/** Every result, whatever became of it: what did not count is named, and not hidden in a sum. */
function describeResults(results: readonly (StoredResult & { standing: Standing | undefined })[]) {
  const described = results.map(({ turn, source, type, standing, tier, receivedAt, usage, charge, unpriced }) => ({
    turn,
    source,
    type,
    standing,
    tier,
    receivedAt: iso(receivedAt),
    usage,
    costUsd: charge === undefined ? undefined : toUsd(charge.paid),
    unpriced,
  }));
  return described.length === 0 ? {} : { results: described };
}

/** The fact of the delivery says so, whether or not the session does. */
function withDelivery(summary: ReturnType<typeof summarize>, { deliveries }: TurnFacts) {
  const delivery = deliveries.get(summary.turn);
  return delivery === undefined ? summary.delivery : { ...summary.delivery, status: "delivered", at: iso(delivery.at) };
}

/** From acceptance to delivery: its own moves, and what is known from facts beside them. */
function describeTimeline({ createdAt, timeline = [] }: Session, { deliveries }: TurnFacts) {
  const accepted = { at: createdAt, status: "queued", turn: 1, attempt: 1, why: "accepted" };
  const delivered = [...deliveries.values()].map(({ at, turn }) => ({ at, status: "delivered", turn }));
  return [accepted, ...readTimeline(timeline), ...delivered]
    .toSorted((one, other) => one.at - other.at)
    .map((entry) => ({ ...entry, at: iso(entry.at) }));
}

export interface Message {
  role: "user" | "assistant";
  content: string | unknown[];
  at: string;
}

/** The conversation as it stands: only winning answers are part of it, and nothing of them is cut. */
export async function transcript(session: Session, facts: TurnFacts, turns: Turns): Promise<Message[]> {
  const messages: Message[] = [];
  for (const { turn, request, end } of chainOf(session, facts.requests)) {
    if (request.message !== null) messages.push({ role: "user", content: request.message, at: iso(request.at) });
    const result = facts.results.find((one) => one.turn === turn && one.source === end?.source);
    if (result !== undefined) messages.push(...(await toMessage(result, turns)));
  }
  return messages;
}

async function toMessage(result: StoredResult, turns: Turns): Promise<Message[]> {
  const content = contentOf(await bodyOr(result, turns));
  return content === undefined ? [] : [{ role: "assistant", content, at: iso(result.receivedAt) }];
}

/** A body that cannot be read leaves the rest of the conversation to be read. */
async function bodyOr(result: StoredResult, turns: Turns): Promise<string> {
  try {
    return await turns.readBody(result);
  } catch (error) {
    if (error instanceof CorruptRecordError) return "";
    throw error;
  }
}
