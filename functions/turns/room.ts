import {
  committed,
  estimateOf,
  type NanoUsd,
  nanoToUsd,
  type Purse,
  type PurseDay,
  pursesOf,
  toNanoUsd,
} from "../domain/budget.ts";
import { type Clock, iso } from "../domain/clock.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { maxHoldDays } from "../domain/limits.ts";
import type { Session } from "../domain/session.ts";
import type { TurnRequest } from "../domain/turn-request.ts";
import type { Claim, Purses } from "../store/purses.ts";

export interface RoomDeps {
  config: Config;
  purses: Purses;
  clock: Clock;
}

/** What a session is written with where it has a budget, and the claims that are written with it. */
export interface Room {
  session: { budget: { day: string; of: string[] }; reserved: NanoUsd; notBefore: number };
  claims: Claim[];
  /** Purses without room that let it pass, or made it wait. */
  exceeded: { purse: string; day: string; policy: string }[];
}

const dayMs = 24 * 3_600_000;

/** A purse, and what is committed of one of its days. */
interface Looked {
  purse: Purse;
  seen: PurseDay;
}

/**
 * Finds the first day with room for a turn in every purse it is paid from; `undefined` where there is no purse. Nothing is
 * written: the claims are, in one transaction with the session, and refused if the room was taken meanwhile.
 * @param requests the turns so far, of which the last is to be sent
 * @throws RequestError 402 with the figures, where a budget has no room and says so, or where the price is not known
 */
export async function findRoom(
  session: Session,
  requests: readonly TurnRequest[],
  deps: RoomDeps,
): Promise<Room | undefined> {
  const { config, clock } = deps;
  const purses = pursesOf(session, config);
  if (purses.length === 0) return undefined;
  const nanoUsd = estimate(session, requests, purses, config);
  const today = Math.floor(clock.now() / dayMs) * dayMs;
  const exceeded: Room["exceeded"] = [];
  for (let held = 0; held <= maxHoldDays; held += 1) {
    const from = today + held * dayMs;
    const day = iso(from).slice(0, 10);
    const looked = await Promise.all(
      purses.map(async (purse) => ({ purse, seen: await deps.purses.read(purse.name, day) })),
    );
    const full = looked.filter((one) => !hasRoom(one, nanoUsd));
    for (const { purse } of full) exceeded.push({ purse: purse.name, day, policy: purse.budget.onExceeded });
    const refusing = full.find(({ purse }) => purse.budget.onExceeded === "reject");
    if (refusing !== undefined) throw noRoom(refusing, nanoUsd, clock.now());
    if (full.some(({ purse }) => purse.budget.onExceeded === "hold")) continue;
    const notBefore = held === 0 ? session.notBefore : opening(session, from, config);
    const budget = { day, of: purses.map(({ name }) => name) };
    const claims = nanoUsd === 0 ? [] : looked.map((one) => claimOf(one, day, nanoUsd));
    return { session: { budget, reserved: nanoUsd, notBefore }, claims, exceeded };
  }
  throw new RequestError(402, `a budget has no room within ${maxHoldDays} days`, { param: "budget" });
}

/** @throws RequestError 402 for what no day has room for, or what has no price, unless every purse only warns */
function estimate(
  session: Session,
  requests: readonly TurnRequest[],
  purses: readonly Purse[],
  { lanes, prices }: Config,
): NanoUsd {
  const lane = lanes.find(({ id }) => id === session.lane);
  const found = estimateOf(session, { requests, lane }, prices);
  for (const purse of purses.filter(({ budget }) => budget.onExceeded !== "warn")) {
    if (!found.known) throw unpriced(purse, found.why);
    if (!fitsAtAll(purse, found.nanoUsd)) throw tooDear(purse, found.nanoUsd);
  }
  return found.known ? found.nanoUsd : 0;
}

/** When the day has begun, and its lane is open. */
function opening({ lane: name, mode }: Session, from: number, { lanes }: Config): number {
  const lane = lanes.find(({ id }) => id === name);
  return lane === undefined || mode === "realtime" ? from : Math.max(from, opensAt(lane, from));
}

function claimOf({ purse: { name, budget }, seen }: Looked, day: string, nanoUsd: NanoUsd): Claim {
  const { usdPerDay, onExceeded } = budget;
  const isBound = usdPerDay !== undefined && onExceeded !== "warn";
  return { purse: name, day, nanoUsd, seen, ...(isBound ? { limit: toNanoUsd(usdPerDay) } : {}) };
}

function fitsAtAll({ budget: { usdPerDay, usdPerTask } }: Purse, nanoUsd: NanoUsd): boolean {
  return [usdPerDay, usdPerTask].every((usd) => usd === undefined || nanoUsd <= toNanoUsd(usd));
}

function hasRoom({ purse, seen }: Looked, nanoUsd: NanoUsd): boolean {
  const { usdPerDay } = purse.budget;
  return fitsAtAll(purse, nanoUsd) && (usdPerDay === undefined || committed(seen) + nanoUsd <= toNanoUsd(usdPerDay));
}

const dollars = (nanoUsd: NanoUsd) => `$${nanoToUsd(nanoUsd).toFixed(6)}`;
const ownerOf = ({ name }: Purse) => `${name.replace("#", ' "')}"`;

function unpriced(purse: Purse, why: string): RequestError {
  return new RequestError(402, `${ownerOf(purse)} has a budget, which cannot be kept: ${why}`, { param: "model" });
}

function tooDear(purse: Purse, nanoUsd: NanoUsd): RequestError {
  const { usdPerTask, usdPerDay } = purse.budget;
  const most = Math.min(usdPerTask ?? Number.POSITIVE_INFINITY, usdPerDay ?? Number.POSITIVE_INFINITY);
  const message = `this task may cost up to ${dollars(nanoUsd)}, and ${ownerOf(purse)} may spend $${most} on one`;
  const figures = { purse: purse.name, ...purse.budget, estimateUsd: nanoToUsd(nanoUsd) };
  return new RequestError(402, message, { param: "budget", figures });
}

function noRoom({ purse, seen }: Looked, nanoUsd: NanoUsd, now: number): RequestError {
  const { usdPerDay = 0 } = purse.budget;
  const [reserved, spent] = [seen.reserved - seen.released, seen.spent];
  const message =
    `${ownerOf(purse)} may spend $${usdPerDay} a day: ${dollars(spent)} are spent and ${dollars(reserved)} reserved, ` +
    `and this task may cost up to ${dollars(nanoUsd)}`;
  const figures = {
    purse: purse.name,
    ...purse.budget,
    spentUsd: nanoToUsd(spent),
    reservedUsd: nanoToUsd(reserved),
    estimateUsd: nanoToUsd(nanoUsd),
  };
  const headers = { "retry-after": String(Math.ceil((dayMs - (now % dayMs)) / 1000)) };
  return new RequestError(402, message, { param: "budget", headers, figures });
}
