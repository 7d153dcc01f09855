import { maxReceives, maxVisits, suspectReceives } from "./limits.ts";
import type { Session, SessionError } from "./session.ts";

/**
 * Poison: a session whose handling ends the process, or throws, each time. Whoever is suspected is counted before it is
 * touched, which costs one write, and only for suspects; waiting is never counted.
 */
export function isSuspect({ visits = 0 }: Session, receives: number): boolean {
  return visits > 0 || receives >= suspectReceives;
}

/** So many visits have begun and not one of them sent it or ended it: it is not touched any more. */
export function isPoison({ visits = 0 }: Session): boolean {
  return visits >= maxVisits;
}

export const poisonError: SessionError = {
  type: "poison",
  message: `${maxVisits} attempts to handle this session broke off, the last ones with nobody beside it`,
};

/**
 * The message of a poisoned session is left to the dead-letter queue, whose alarm tells of it. One that comes for the
 * first time has been redriven, or is a copy, and is dropped: its session has ended.
 */
export function isLeftToDeadLetters({ error }: Session, receives: number): boolean {
  return error?.type === poisonError.type && receives > 1 && receives <= maxReceives;
}

/** Suspects go in ever smaller batches, down to one, so that the sound ones among them get away from the one at fault. */
export function suspectsPerBatch(visits: number, maxBatchRequests: number): number {
  return Math.max(1, Math.floor(maxBatchRequests / 10 ** visits));
}
