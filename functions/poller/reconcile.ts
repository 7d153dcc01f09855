import type { Batch } from "../domain/batch.ts";
import { nameOf } from "../domain/errors.ts";
import { clockSkewSeconds } from "../domain/limits.ts";
import { parseResultLine } from "../domain/outcome.ts";
import { isMissing, mayBe } from "../domain/reconcile.ts";
import type { PollerDeps } from "./deps.ts";
import { headOf } from "./head.ts";
import type { OpenWork, Work, Workspace } from "./open-work.ts";

/** Unowned ended batches whose first line is read in one tick; the others are read in the next. */
const maxReadsPerTick = 50;
/** One strange line does not make a batch somebody else's: only this many, or all there are. */
const foreignLines = 10;
/** Two complete lists, this far apart, must both lack a batch before its manifest is believed never to have been accepted. */
const confirmSeconds = 60;

/**
 * Finds the batches nobody owns yet. One that has ended is asked, by one line of its results, whose it is; one that has
 * not can only be a candidate. A manifest with an unknown outcome is let go only when no batch can be its own.
 */
export async function reconcile(work: Work, deps: PollerDeps): Promise<void> {
  const known = new Set(work.manifests.map(({ manifest }) => manifest.batchId));
  let reads = 0;
  for (const workspace of work.workspaces) {
    const { list } = workspace;
    if (list === undefined) continue;
    const unowned: Batch[] = [];
    const owners = await deps.manifests.owned(
      list.batches.map(({ batchId }) => batchId).filter((id) => !known.has(id)),
    );
    for (const batch of list.batches) {
      if (known.has(batch.batchId) || owners.has(batch.batchId)) continue;
      const isRead = batch.status === "ended" && reads < maxReadsPerTick;
      if (isRead) reads += 1;
      if (!isRead || !(await identify(batch, workspace, work, deps))) unowned.push(batch);
    }
    await releaseMissing(
      work.manifests.filter((one) => one.workspace === workspace),
      unowned,
      deps,
    );
  }
}

/** @returns whether it is known now whose the batch is */
async function identify(batch: Batch, workspace: Workspace, work: Work, deps: PollerDeps): Promise<boolean> {
  const { manifests, log } = deps;
  const manifestId = await manifestNamedBy(batch, workspace, deps);
  if (manifestId === undefined) return false;
  const { batchId } = batch;
  const manifest = manifestId === "nobody" ? undefined : await headOf(manifestId, deps);
  // Ours, and nobody knows how far it came: it is left for a person, and goes on stopping what it might be.
  if (manifest === "damaged") return false;
  if (manifest === undefined) {
    await manifests.markForeign(batchId);
    log("batch_foreign", { batchId });
    return true;
  }
  const accepted = await manifests.accept(manifest, batchId, workspace.list?.workspaceId);
  if (accepted === undefined) {
    // It has another batch already. This one was paid for nothing, and all that can be done is to say so.
    await manifests.markForeign(batchId);
    log("batch_duplicate", { batchId, manifestId: manifest.manifestId });
    return true;
  }
  log("manifest_adopted", { manifestId: manifest.manifestId, batchId });
  const open = work.manifests.find((one) => one.manifest.manifestId === manifest.manifestId);
  if (open === undefined) work.manifests.push({ manifest: accepted, workspace, batch });
  else Object.assign(open, { manifest: accepted, batch });
  return true;
}

/** The manifest that a line of the results names, `nobody` when a line names none of ours, undefined when none can be read. */
async function manifestNamedBy(
  batch: Batch,
  { anthropic }: Workspace,
  { log }: PollerDeps,
): Promise<string | undefined> {
  if (batch.archivedAt !== undefined) return "nobody";
  let foreign = 0;
  try {
    for await (const line of (await anthropic.results(batch)) ?? []) {
      const parsed = parseResultLine(line);
      if (parsed.kind === "ours") return parsed.id.manifestId;
      if (parsed.kind === "foreign") foreign += 1;
      if (foreign >= foreignLines) return "nobody";
    }
    if (foreign > 0) return "nobody";
  } catch (error) {
    log("results_short", { batchId: batch.batchId, error: nameOf(error) });
  }
  return undefined;
}

/** Two complete lists in a row without any batch it could be: then, and only then, its sessions may be sent again. */
async function releaseMissing(work: readonly OpenWork[], unowned: readonly Batch[], deps: PollerDeps): Promise<void> {
  const { manifests, clock, log, reconcileGraceSeconds } = deps;
  const confirmMs = Math.min(confirmSeconds, reconcileGraceSeconds) * 1000;
  for (const one of work.filter(({ manifest }) => manifest.state === "submitting")) {
    const { manifest } = one;
    const { manifestId, missingSince } = manifest;
    if (isElsewhere(one)) {
      log("workspace_mismatch", { manifestId });
    } else if (!isAbsent(one, unowned, reconcileGraceSeconds)) {
      if (missingSince !== undefined) await manifests.move("note", manifest, { missingSince: undefined });
    } else if (missingSince === undefined) {
      await manifests.move("note", manifest, { missingSince: clock.now() });
    } else if (one.workspace.listedAt - missingSince >= confirmMs) {
      const reason = "no such batch exists";
      const died = manifest.callEnded !== true;
      one.manifest = (await manifests.move("abandon", manifest, { reason, died })) ?? manifest;
      log("manifest_abandoned", { manifestId, reason });
    }
  }
}

/** A list from another workspace than the one it was sent to proves nothing. */
function isElsewhere({ manifest, workspace: { list } }: OpenWork): boolean {
  const expected = manifest.credential.workspaceId ?? manifest.workspaceId;
  return expected !== undefined && list?.workspaceId !== undefined && list.workspaceId !== expected;
}

function isAbsent(
  { manifest, workspace: { list, listedAt } }: OpenWork,
  unowned: readonly Batch[],
  graceSeconds: number,
): boolean {
  const isOverdue = list?.complete === true && isMissing(manifest, listedAt, graceSeconds * 1000);
  return isOverdue && !unowned.some((batch) => mayBe(batch, manifest, clockSkewSeconds * 1000));
}
