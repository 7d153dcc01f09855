import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import { isTerminal, type Session, type SessionError } from "../domain/session.ts";
import type { Moved } from "../store/sessions.ts";
import { deliver } from "../turns/deliver.ts";
import { fail, tryAgain } from "../turns/settle.ts";
import { untold } from "../turns/told.ts";
import { writeResult } from "../turns/write-result.ts";
import type { PollerDeps } from "./deps.ts";

const nobody: ReadonlySet<string> = new Set();

/** After a full read, a member without a line is not dropped: it is tried again. */
export async function requeueMissing(manifest: Manifest, seen: ReadonlySet<string>, deps: PollerDeps): Promise<void> {
  const error = { type: "no_result", message: "the batch ended without a result for this request" };
  await eachMissing(manifest, seen, deps, (session) => tryAgain(session, error, deps));
}

/** Its line is there and cannot be read: it may have been paid for, so it is never sent again in silence. */
export async function failMissing(manifest: Manifest, seen: ReadonlySet<string>, deps: PollerDeps): Promise<void> {
  const error = { type: "unreadable_result", message: "the result of this request cannot be read" };
  const failed = await eachMissing(manifest, seen, deps, (session) => failAsLost(session, manifest, error, deps));
  reportLost(manifest, failed, error.message, deps);
}

/**
 * The results can no longer come. Whoever still waits for them ends `failed`, with an alarm and a cost that is unknown:
 * the work may have been paid for, so it is never sent again in silence.
 */
export async function loseMembers(manifest: Manifest, why: string, deps: PollerDeps): Promise<void> {
  const error = { type: "results_lost", message: why };
  const failed = await eachMissing(manifest, nobody, deps, (session) => failAsLost(session, manifest, error, deps));
  reportLost(manifest, failed, why, deps);
  await deps.books.mark("MANIFEST", manifest.manifestId);
  await deps.manifests.move("settle", manifest, { settledAt: deps.clock.now(), readProblem: why });
}

/** Booked as billed and without usage, so that its cost shows as missing and not as nothing. */
async function failAsLost(
  session: Session,
  { manifestId }: Manifest,
  error: SessionError,
  deps: PollerDeps,
): Promise<Moved> {
  const { sessionId, turn } = session;
  const about = { sessionId, turn, source: manifestId, tier: "batch" as const, receivedAt: deps.clock.now(), text: "" };
  await writeResult(session, { ...about, type: "lost", billed: true, outcome: { kind: "refused", error } }, deps);
  return fail(session, error, deps);
}

function reportLost({ manifestId }: Manifest, sessions: number, reason: string, { log, metrics }: PollerDeps): void {
  log("results_lost", { manifestId, sessions, reason });
  metrics({ lostResults: sessions });
}

function isItsEnd({ status, winner, manifestId }: Session, manifest: Manifest): boolean {
  return winner === manifest.manifestId && manifestId === manifest.manifestId && isTerminal(status);
}

/** Moves every member that still waits for this manifest and was not seen. @returns how many turns this ended */
async function eachMissing(
  manifest: Manifest,
  seen: ReadonlySet<string>,
  deps: PollerDeps,
  move: (session: Session) => Promise<Moved>,
): Promise<number> {
  let count = 0;
  let problem: unknown;
  for await (const members of deps.manifests.members(manifest.manifestId)) {
    const missing = members.filter(({ sessionId }) => !seen.has(sessionId));
    const { sessions } = await deps.sessions.getMany(missing.map(({ sessionId }) => sessionId));
    const waiting = sessions.filter(
      ({ status, manifestId }) => status === "submitted" && manifestId === manifest.manifestId,
    );
    const moved = await mapConcurrently(waiting, concurrency, async (session) => {
      try {
        return await move(session);
      } catch (error) {
        problem ??= error;
        return undefined;
      }
    });
    const ended = moved.flatMap((one) => (one?.moved === true && one.session.status === "failed" ? [one.session] : []));
    count += ended.length;
    // Whoever this manifest's results ended is due to be told of by its reading alone, and there will be no other.
    const left = await untold(
      sessions.filter((session) => isItsEnd(session, manifest)),
      deps.turns,
    );
    if ((await deliver([...ended, ...left], deps)) > 0) problem ??= new Error("ends are not noted as told");
  }
  // Nobody is left out for another's sake, and nothing counts as settled while one is not.
  if (problem !== undefined) throw problem;
  return count;
}
