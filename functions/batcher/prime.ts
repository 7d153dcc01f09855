import { cachePricesOf } from "../domain/cache-prefix.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { concurrency, primerWaitSeconds } from "../domain/limits.ts";
import {
  coldCost,
  followerMarking,
  holdUntil,
  isWorthPriming,
  type PrimerHint,
  type PrimerState,
  primerMarking,
  primerState,
  type SharedPrefix,
} from "../domain/priming.ts";
import type { Renew } from "../store/leases.ts";
import { type Candidate, remarked } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { putBack } from "./put-back.ts";
import { submitGroup } from "./submit.ts";
import { hasTimeFor } from "./time-left.ts";

/** The lane's lease is renewed before each call. */
type PrimeDeps = BatcherDeps & { renew: Renew };

type Sharer = Candidate & { shared: SharedPrefix };

/** Who may be sent now; with `parkedUntil` nobody of them. */
export interface Primed {
  ready: Candidate[];
  parkedUntil?: number;
}

/**
 * Requests of one batch run side by side, and none reads what another writes. So of those with the same prefix one goes ahead,
 * in a batch of its own, and the others wait until it has ended, or for a bound: queued, with a time, like all that waits.
 */
export async function primed(candidates: readonly Candidate[], lane: Lane, deps: PrimeDeps): Promise<Primed> {
  // What waits must not find the lane closed when the wait is over.
  const mayWait = opensAt(lane, deps.clock.now() + primerWaitSeconds * 1000) === 0;
  if (lane.priming === "off" || !mayWait) return { ready: [...candidates] };
  const byPrefix = [...Map.groupBy(candidates, ({ shared }) => shared?.key)];
  const ready: Candidate[] = [];
  for (const [index, [key, some]] of byPrefix.entries()) {
    const sharers = some.filter(isSharer);
    const next = key === undefined ? { ready: some } : await primeOne(key, sharers, lane, deps);
    ready.push(...next.ready);
    if (next.parkedUntil === undefined) continue;
    const others = byPrefix.slice(index + 1).flatMap(([, later]) => later);
    return { ready: [...ready, ...others], parkedUntil: next.parkedUntil };
  }
  return { ready };
}

const isSharer = (candidate: Candidate): candidate is Sharer => candidate.shared !== undefined;

async function primeOne(key: string, sharers: readonly Sharer[], lane: Lane, deps: PrimeDeps): Promise<Primed> {
  const { hint, state } = await lookUp(key, lane, deps);
  if (state === "warm") return { ready: await mapConcurrently(sharers, concurrency, (one) => toReader(one, deps)) };
  if (state === "pending" && hint !== undefined) return { ready: await hold(sharers, hint, lane, deps) };
  return state === "none" ? goAhead(key, sharers, lane, deps) : { ready: [...sharers] };
}

/** A hint that cannot be read is none: the work goes as it would without it. */
async function lookUp(
  key: string,
  lane: Lane,
  { primers, manifests, clock }: PrimeDeps,
): Promise<{ hint?: PrimerHint; state: PrimerState }> {
  try {
    const hint = await primers.find(lane.id, key);
    if (hint === undefined) return { state: "none" };
    return { hint, state: primerState(hint, await manifests.get(hint.manifestId), clock.now()) };
  } catch (error) {
    if (error instanceof CorruptRecordError) return { state: "spent" };
    throw error;
  }
}

async function toReader(candidate: Sharer, deps: PrimeDeps): Promise<Candidate> {
  const marking = followerMarking(candidate.shared);
  return marking === undefined ? candidate : ((await remarked(candidate, marking, deps)) ?? candidate);
}

/** Whose deadline may act is not held back. */
const canWait = ({ session: { deadlineAt, onDeadline } }: Candidate) =>
  deadlineAt === undefined || onDeadline === "wait";

/** The first of them as the primer, if that is worth it. Unless its batch is known to be there, nobody waits for it. */
async function goAhead(key: string, sharers: readonly Sharer[], lane: Lane, deps: PrimeDeps): Promise<Primed> {
  const { clock, primers, log, renew } = deps;
  const [first, ...others] = sharers;
  const isGood = first !== undefined && isWorthIt(first, others.filter(canWait), lane, deps) && hasTimeFor(deps);
  const primer = isGood ? await remarked(first, primerMarking(first.shared), deps) : undefined;
  if (primer === undefined) return { ready: [...sharers] };
  await renew();
  const submitted = await submitGroup([{ ...primer, primes: true }], lane, deps);
  if (submitted.kind === "parked") return { ready: others, parkedUntil: submitted.notBefore };
  if (submitted.kind !== "accepted") return { ready: others };
  const hint = { manifestId: submitted.manifestId, at: clock.now() };
  await primers.note(lane.id, key, hint);
  log("primer_sent", { lane: lane.id, manifestId: hint.manifestId, sharers: others.length });
  return { ready: await hold(others, hint, lane, deps) };
}

function isWorthIt(first: Sharer, followers: readonly Sharer[], { priming }: Lane, { config }: PrimeDeps): boolean {
  if (followers.length === 0) return false;
  if (priming === "on") return true;
  const { tokens } = first.shared;
  const prices = cachePricesOf({ model: first.session.model, mode: "batch", tokens }, config.prices);
  if (prices === undefined) return false;
  const { input, relative } = prices;
  const coldOf = ({ shared }: Sharer) => coldCost(shared, relative);
  return isWorthPriming({ tokens, primer: coldOf(first), followers: followers.map(coldOf), input, prices: relative });
}

/** @returns those that do not wait */
async function hold(sharers: readonly Sharer[], hint: PrimerHint, lane: Lane, deps: PrimeDeps): Promise<Candidate[]> {
  const waiting = sharers.filter(canWait);
  const until = holdUntil(hint);
  const members = waiting.map(({ session: { sessionId, turn } }) => ({ sessionId, turn }));
  await deps.primers.addWaiting(hint, members, until);
  await putBack(waiting, until, lane, deps);
  const manifest = await deps.manifests.get(hint.manifestId);
  if (primerState(hint, manifest, deps.clock.now()) !== "pending") {
    // It has ended meanwhile, and whoever settled it has woken those who were held by then: the others go with the next tick.
    const held = waiting.map(({ session }) => ({ session: { ...session, notBefore: until }, handles: [] }));
    await putBack(held, 0, lane, deps);
  }
  return sharers.filter((one) => !canWait(one));
}
