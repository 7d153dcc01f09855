import { nameOf } from "../domain/errors.ts";
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
  for (const { manifest } of work) {
    try {
      await closeManifest(manifest, deps);
    } catch (error) {
      deps.log("tick_failed", { step: "close", manifestId: manifest.manifestId, error: nameOf(error) });
    }
  }
}

async function closeManifest(manifest: Manifest, deps: PollerDeps): Promise<void> {
  const { manifests, clock, tickSeconds, log } = deps;
  const patienceMs = Math.max(minPrepareSeconds, prepareTicks * tickSeconds) * 1000;
  if (manifest.state === "abandoned") return letGo(manifest, deps);
  if (manifest.state !== "preparing" || clock.now() - manifest.createdAt < patienceMs) return;
  const reason = "died before its call";
  const abandoned = await manifests.move("giveUp", manifest, { reason, died: true });
  if (abandoned === undefined) return;
  log("manifest_abandoned", { manifestId: manifest.manifestId, reason });
  await letGo(abandoned, deps);
}

/** A batcher that only seemed dead may claim for as long as a function can run: until then its manifest is not closed. */
async function letGo(manifest: Manifest, deps: PollerDeps): Promise<void> {
  const hasClaimed = manifest.notAfter !== undefined;
  const isOver = deps.clock.now() > manifest.createdAt + functionSeconds * 1000;
  await (hasClaimed || isOver ? releaseManifest(manifest, deps) : releaseMembers(manifest, deps));
}
