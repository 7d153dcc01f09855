import type { Clock } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency } from "../domain/limits.ts";
import type { Manifest, Member } from "../domain/manifest.ts";
import type { Manifests } from "../store/manifests.ts";
import type { Sessions } from "../store/sessions.ts";

export interface ReleaseDeps {
  sessions: Sessions;
  manifests: Manifests;
  clock: Clock;
}

/**
 * Lets go of everyone a manifest still holds that was given up and never will be sent. No attempt is burnt: nothing of
 * them was tried. May be run again from the top, by anyone.
 */
export async function releaseMembers(manifest: Manifest, deps: ReleaseDeps): Promise<void> {
  for await (const members of deps.manifests.members(manifest.manifestId)) await release(members, manifest, deps);
}

/** Lets go of everyone, and closes the manifest: only where nobody can still be claiming for it. */
export async function releaseManifest(manifest: Manifest, deps: ReleaseDeps): Promise<void> {
  await releaseMembers(manifest, deps);
  await deps.manifests.move("close", manifest, {});
}

async function release(
  members: readonly Member[],
  manifest: Manifest,
  { sessions, clock }: ReleaseDeps,
): Promise<void> {
  const { manifestId, reason, releaseNotBefore = 0 } = manifest;
  const { sessions: found } = await sessions.getMany(members.map(({ sessionId }) => sessionId));
  const held = found.filter((session) => session.manifestId === manifestId && session.status === "submitted");
  await mapConcurrently(held, concurrency, (session) =>
    sessions.move("leaveBatch", session, "queued", {
      manifestId: undefined,
      submittedAt: undefined,
      sendNo: session.sendNo + 1,
      // What came back from a call is suspect no more.
      visits: manifest.died === true ? Math.max(session.visits ?? 0, 1) : undefined,
      notBefore: releaseNotBefore > clock.now() ? releaseNotBefore : 0,
      ...(reason === undefined ? {} : { because: reason }),
    }),
  );
}
