import { nameOf } from "../domain/errors.ts";
import { maxDeparturesPerTick } from "../domain/limits.ts";
import { isOpen, type Manifest } from "../domain/manifest.ts";
import type { Departure } from "../store/departures.ts";
import type { PollerDeps } from "./deps.ts";
import type { OpenWork, Work } from "./open-work.ts";
import { pageMs } from "./read-results.ts";

/** Batches that nobody waits for any more are canceled, so that what Anthropic has not begun is never paid. */
export async function cancelUnwanted({ manifests }: Work, deps: PollerDeps): Promise<void> {
  const { departures, log } = deps;
  for (const departure of await departures.list(maxDeparturesPerTick)) {
    const { manifestId } = departure;
    if (deps.millisecondsLeft() < pageMs) return log("time_short", { manifestId });
    const open = manifests.find(({ manifest }) => manifest.manifestId === manifestId);
    try {
      await cancelIfUnwanted(departure, open, deps);
    } catch (error) {
      // Its note is still there: the next tick tries again.
      log("tick_failed", { step: "cancel", manifestId, error: nameOf(error) });
    }
  }
}

/** Nobody joins a batch that is under way: once it has no one, it never will. */
async function cancelIfUnwanted(departure: Departure, open: OpenWork | undefined, deps: PollerDeps): Promise<void> {
  const { manifests, departures, log } = deps;
  const manifest = await manifests.get(departure.manifestId);
  const isUnderWay = manifest !== undefined && isOpen(manifest.state) && manifest.endedAt === undefined;
  if (!isUnderWay || manifest.state === "abandoned") return departures.forget(departure);
  const { batchId } = manifest;
  // Its batch is not known yet, or its workspace was not looked at in this tick.
  if (batchId === undefined || open === undefined) return;
  if (!(await hasSomebody(manifest, deps))) {
    await open.workspace.anthropic.cancelBatch(batchId);
    log("batch_canceled", { manifestId: manifest.manifestId, batchId });
  }
  await departures.forget(departure);
}

async function hasSomebody({ manifestId }: Manifest, { manifests, sessions }: PollerDeps): Promise<boolean> {
  for await (const members of manifests.members(manifestId)) {
    const found = await sessions.getMany(members.map(({ sessionId }) => sessionId));
    // One that cannot be read may be one that waits.
    if (found.corrupt.length > 0) return true;
    const waits = found.sessions.some(
      ({ status, manifestId: its }) => its === manifestId && (status === "submitted" || status === "running"),
    );
    if (waits) return true;
  }
  return false;
}
