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
 * Lets go of everyone an abandoned manifest still holds, and closes it. No attempt is burnt: nothing of them was tried.
 * May be run again from the top, by anyone.
 */
export async function releaseManifest(manifest: Manifest, deps: ReleaseDeps): Promise<void> {
  const { sessions, manifests, clock } = deps;
  const notBefore = Math.max(manifest.releaseNotBefore ?? 0, 0);
  const release = async (members: readonly Member[]) => {
    const { sessions: found } = await sessions.getMany(members.map(({ sessionId }) => sessionId));
    const held = found.filter((session) => session.manifestId === manifest.manifestId);
    await mapConcurrently(held, concurrency, async (session) => {
      if (session.status === "submitted") {
        await sessions.move("requeueBatched", session, "queued", {
          manifestId: undefined,
          submittedAt: undefined,
          sendNo: session.sendNo + 1,
          notBefore: notBefore > clock.now() ? notBefore : 0,
        });
      }
    });
  };
  for await (const members of manifests.members(manifest.manifestId)) await release(members);
  await manifests.move("close", manifest, {});
}
