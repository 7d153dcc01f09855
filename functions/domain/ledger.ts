import { cronJobOf } from "./ids.ts";
import type { Result } from "./outcome.ts";
import { type PicoUsd, toUsd } from "./picos.ts";
import type { PriceTable, Tier } from "./prices.ts";
import { costOf } from "./pricing.ts";
import type { Session } from "./session.ts";
import type { Standing } from "./standing.ts";
import { promptTokens } from "./usage.ts";

/** What a result costs, and what its tokens would have cost otherwise. */
export interface Charge {
  paid: PicoUsd;
  /** In real time, at the standard tier. */
  realtime: PicoUsd;
  /** In its own tier, if nothing had been read from a cache or written to one. */
  uncached: PicoUsd;
  /** Of what was paid: that tokens written to a cache cost more than plain ones. */
  cacheWrites: PicoUsd;
}

/** Whom a result is booked to. Nothing of it changes while a session lives, but its lane where that is removed. */
export interface Account {
  agentId: string;
  lane: string;
  label?: string;
  cronJob?: string;
}

/** What the ledger says of one billed result. */
export interface Booking extends Account {
  model: string;
  /** Absent where it has no price: then the cost is missing. */
  charge?: Charge;
  /** Why it has none. */
  unpriced?: string;
}

export function accountOf({ agentId, lane, label, sessionKey }: Session): Account {
  const cronJob = cronJobOf(sessionKey);
  return { agentId, lane, ...(label === undefined ? {} : { label }), ...(cronJob === undefined ? {} : { cronJob }) };
}

/** Priced once, when it is written down, so that a later price changes no entry. */
export function bookingOf(session: Session, result: Result & { tier: Tier }, prices: PriceTable): Booking {
  const { model = session.model } = result;
  const priced = chargeOf({ ...result, model }, prices);
  return { ...accountOf(session), model, ...(typeof priced === "string" ? { unpriced: priced } : { charge: priced }) };
}

/** @returns the charge, or why there is none */
function chargeOf(
  { usage, ...result }: Omit<Result, "outcome"> & { model: string; tier: Tier },
  prices: PriceTable,
): Charge | string {
  if (usage === undefined) return "no usage";
  const { input, cacheWrite } = usage;
  const noWrites = { cacheWrite: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
  const paid = costOf({ ...result, usage }, prices);
  const realtime = costOf({ ...result, usage, tier: "standard" }, prices);
  const uncached = costOf(
    { ...result, usage: { ...usage, input: promptTokens(usage), cacheRead: 0, ...noWrites } },
    prices,
  );
  const unwritten = costOf({ ...result, usage: { ...usage, input: input + cacheWrite, ...noWrites } }, prices);
  for (const cost of [paid, realtime, uncached, unwritten]) if (!cost.known) return cost.why;
  const pico = (cost: typeof paid) => (cost.known ? cost.picoUsd : 0n);
  return {
    paid: pico(paid),
    realtime: pico(realtime),
    uncached: pico(uncached),
    cacheWrites: pico(paid) - pico(unwritten),
  };
}

/**
 * Dollars. `totalUsd` is all that was paid; `realtimeUsd` the same tokens at the standard price, `savedUsd` the difference;
 * `wastedUsd` is the part of the total that was paid for answers that did not count; `missing` counts what has no known cost.
 */
export interface SessionCost {
  totalUsd: number;
  realtimeUsd: number;
  savedUsd: number;
  wastedUsd: number;
  missing: number;
}

/** Adds up what is booked of one session. */
export function sessionCost(
  results: readonly { billed: boolean; charge?: Charge; standing: Standing | undefined }[],
): SessionCost {
  const billed = results.filter((result) => result.billed);
  const sum = (part: (charge: Charge) => PicoUsd, among = billed) =>
    among.reduce((total, { charge }) => total + (charge === undefined ? 0n : part(charge)), 0n);
  const wasted = billed.filter(({ standing }) => standing !== undefined && standing !== "winner");
  const [total, realtime] = [sum(({ paid }) => paid), sum((charge) => charge.realtime)];
  return {
    totalUsd: toUsd(total),
    realtimeUsd: toUsd(realtime),
    savedUsd: toUsd(realtime - total),
    wastedUsd: toUsd(sum(({ paid }) => paid, wasted)),
    missing: billed.filter(({ charge }) => charge === undefined).length,
  };
}
