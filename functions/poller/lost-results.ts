import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import { deliver } from "../turns/deliver.ts";
import { fail } from "../turns/settle.ts";
import type { PollerDeps } from "./tick.ts";

/**
 * The results can no longer come. Whoever still waits for them ends `failed`, with an alarm and a cost that is unknown:
 * the work may have been paid for, so it is never sent again in silence.
 */
export async function loseMembers(manifest: Manifest, why: string, deps: PollerDeps): Promise<void> {
  const { manifests, sessions, log, metrics, clock } = deps;
  let lost = 0;
  for await (const members of manifests.members(manifest.manifestId)) {
    const { sessions: found } = await sessions.getMany(members.map(({ sessionId }) => sessionId));
    const waiting = found.filter(
      ({ status, manifestId }) => status === "submitted" && manifestId === manifest.manifestId,
    );
    const failed = await mapConcurrently(waiting, concurrency, (session) =>
      fail(session, { type: "results_lost", message: why }, deps),
    );
    const ended = failed.flatMap((moved) => (moved.moved ? [moved.session] : []));
    lost += ended.length;
    await deliver(ended, deps);
  }
  log("results_lost", { manifestId: manifest.manifestId, sessions: lost, reason: why });
  metrics({ lostResults: lost });
  await manifests.move("settle", manifest, { settledAt: clock.now(), readProblem: why });
}
