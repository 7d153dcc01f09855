import { functionSeconds } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import { releaseManifest, releaseMembers } from "../turns/release.ts";
import type { PollerDeps } from "./deps.ts";
import type { OpenWork } from "./open-work.ts";

/** A batcher that lives is done preparing long before this many ticks, or this many seconds where ticks are short. */
const prepareTicks = 5;
const minPrepareSeconds = 10;

/**
 * Manifests whose batcher died before its call are given up, which the batcher would find out before it sends; and
 * whoever a given-up manifest still holds is let go.
 */
export async function closeManifests(work: readonly OpenWork[], deps: PollerDeps): Promise<void> {
  const { manifests, clock, tickSeconds, log } = deps;
  const patienceMs = Math.max(minPrepareSeconds, prepareTicks * tickSeconds) * 1000;
  for (const { manifest } of work) {
    if (manifest.state === "abandoned") await letGo(manifest, deps);
    if (manifest.state !== "preparing" || clock.now() - manifest.createdAt < patienceMs) continue;
    const abandoned = await manifests.move("giveUp", manifest, { reason: "died before its call" });
    if (abandoned === undefined) continue;
    log("manifest_abandoned", { manifestId: manifest.manifestId, reason: "died before its call" });
    await letGo(abandoned, deps);
  }
}

/** A batcher that only seemed dead may claim for as long as a function can run: until then its manifest is not closed. */
async function letGo(manifest: Manifest, deps: PollerDeps): Promise<void> {
  const hasClaimed = manifest.notAfter !== undefined;
  const isOver = deps.clock.now() > manifest.createdAt + functionSeconds * 1000;
  await (hasClaimed || isOver ? releaseManifest(manifest, deps) : releaseMembers(manifest, deps));
}
