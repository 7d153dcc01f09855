import { clockSkewSeconds, functionSeconds, realtimeLeaseSeconds } from "../domain/limits.ts";
import { addEntry, type Rollup } from "../domain/rollup.ts";
import type { Session } from "../domain/session.ts";
import type { PollerDeps } from "./deps.ts";
import { entryOf, unknownEntry } from "./sum-manifest.ts";

const minuteMs = 60_000;
const open = { isOver: false, hasAll: false };

/**
 * Adds up the real-time calls that began in a minute. Sessions are read before results, so that of one that has moved on
 * the result is there to be seen, if there is one.
 * @returns whether all of them are over, until when nothing of the sum may be kept; and whether all of their sessions are there
 */
export async function sumMinute(
  minute: string,
  sum: Rollup,
  deps: PollerDeps,
): Promise<{ isOver: boolean; hasAll: boolean }> {
  const { books, sessions, turns, clock } = deps;
  // Calls may still begin in it, and mark it.
  if (clock.now() < Date.parse(`${minute}Z`) + minuteMs + clockSkewSeconds * 1000) return open;
  const runs = await books.runs(minute);
  const found = await sessions.getMany(runs.map(({ sessionId }) => sessionId));
  const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
  const sources = runs.map(({ sessionId, turn, run }) => ({ sessionId, turn, source: run }));
  const attempted = await turns.attempted(sources);
  const results = await turns.getResults(sources);
  for (const { sessionId, turn, run, endsAt } of runs) {
    const session = byId.get(sessionId);
    const result = results.get(`${sessionId}.${turn}.${run}`);
    const mayAnswer = result === undefined && clock.now() <= lastWriteAt(endsAt);
    if (mayAnswer || isUnderWay(run, session)) return open;
    if (result?.billed === true) addEntry(sum, await entryOf(result, session, turns));
    // The call may have been made and paid, and nobody knows; one that was never attempted was not.
    else if (result === undefined && attempted.has(run)) addEntry(sum, unknownEntry(session));
  }
  const there = new Set([...byId.keys(), ...found.corrupt]);
  return { isOver: true, hasAll: runs.every(({ sessionId }) => there.has(sessionId)) };
}

/** Who made the call may write its answer down as long as a function lives, which was there when the lease began. */
function lastWriteAt(endsAt: number): number {
  return endsAt + (functionSeconds - realtimeLeaseSeconds + clockSkewSeconds) * 1000;
}

/** Whether its answer, if it is there, may still become the one that counts. */
function isUnderWay(run: string, session: Session | undefined): boolean {
  return session?.status === "running" && session.run === run;
}
