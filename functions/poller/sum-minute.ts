import { clockSkewSeconds } from "../domain/limits.ts";
import { addEntry, type Rollup } from "../domain/rollup.ts";
import type { Session } from "../domain/session.ts";
import type { PollerDeps } from "./deps.ts";
import { entryOf, unknownEntry } from "./sum-manifest.ts";

const minuteMs = 60_000;

/**
 * Adds up the real-time calls that began in a minute. Sessions are read before results, so that of one that has moved on
 * the result is there to be seen, if there is one.
 * @returns whether all of them are over; until then nothing of the sum may be kept
 */
export async function sumMinute(minute: string, sum: Rollup, deps: PollerDeps): Promise<boolean> {
  const { books, sessions, turns, clock } = deps;
  // Calls may still begin in it, and mark it.
  if (clock.now() < Date.parse(`${minute}Z`) + minuteMs + clockSkewSeconds * 1000) return false;
  const runs = await books.runs(minute);
  const found = await sessions.getMany(runs.map(({ sessionId }) => sessionId));
  const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
  const sources = runs.map(({ sessionId, turn, run }) => ({ sessionId, turn, source: run }));
  const attempted = await turns.attempted(sources);
  const results = await turns.getResults(sources);
  for (const { sessionId, turn, run, endsAt } of runs) {
    const session = byId.get(sessionId);
    const result = results.get(`${sessionId}.${turn}.${run}`);
    const mayAnswer = result === undefined && clock.now() <= endsAt + clockSkewSeconds * 1000;
    if (mayAnswer || isUnderWay(run, session)) return false;
    if (result?.billed === true) addEntry(sum, await entryOf(result, session, turns));
    // The call may have been made and paid, and nobody knows; one that was never attempted was not.
    else if (result === undefined && attempted.has(run)) addEntry(sum, unknownEntry(session));
  }
  return true;
}

/** Whether its answer, if it is there, may still become the one that counts. */
function isUnderWay(run: string, session: Session | undefined): boolean {
  return session?.status === "running" && session.run === run;
}
