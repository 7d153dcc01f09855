import type { Anthropic, BatchList } from "../clients/anthropic.ts";
import { type Credential, credentialOf } from "../clients/anthropic-by-lane.ts";
import type { Batch } from "../domain/batch.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { CorruptRecordError, nameOf } from "../domain/errors.ts";
import { batchLifeSeconds, concurrency } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { PollerDeps } from "./deps.ts";

/** What one credential sees of its workspace. */
export interface Workspace {
  anthropic: Anthropic;
  /** Undefined when the list could not be read in this tick. */
  list: BatchList | undefined;
  /** When the list was asked for: it proves nothing about what came later. */
  listedAt: number;
}

/** An open manifest, with the workspace its batch is in. */
export interface OpenWork {
  manifest: Manifest;
  workspace: Workspace;
  batch: Batch | undefined;
}

export interface Work {
  manifests: OpenWork[];
  workspaces: Workspace[];
}

/** Lists reach back to the oldest open manifest, and a batch's life besides, so that one that surfaces late is seen. */
export async function readOpenWork(deps: PollerDeps): Promise<Work> {
  const { manifests, config, clock, log } = deps;
  const heads = await mapConcurrently(await manifests.open(), concurrency, async ({ manifestId }) => {
    try {
      return await manifests.get(manifestId);
    } catch (error) {
      if (error instanceof CorruptRecordError) log("record_corrupt", { manifestId, what: error.message });
      else log("manifest_unreadable", { manifestId, error: nameOf(error) });
      return undefined;
    }
  });
  const found = heads.filter((manifest) => manifest !== undefined);
  const oldest = Math.min(clock.now() - batchLifeSeconds * 1000, ...found.map(({ createdAt }) => createdAt));
  const workspaces = new Map<string, Workspace>();
  const workspaceOf = async (credential: Credential): Promise<Workspace> => {
    const name = credentialOf(credential);
    const workspace = workspaces.get(name) ?? (await readWorkspace(credential, oldest, deps));
    workspaces.set(name, workspace);
    return workspace;
  };
  for (const lane of config.lanes) await workspaceOf(lane);
  const work: OpenWork[] = [];
  for (const manifest of found) {
    // Its own credential, whatever the lane has today.
    const workspace = await workspaceOf(manifest.credential);
    work.push({
      manifest,
      workspace,
      batch: workspace.list?.batches.find(({ batchId }) => batchId === manifest.batchId),
    });
  }
  return { manifests: work, workspaces: [...workspaces.values()] };
}

async function readWorkspace(credential: Credential, oldest: number, deps: PollerDeps): Promise<Workspace> {
  const anthropic = deps.anthropicFor(credential);
  const listedAt = deps.clock.now();
  try {
    const list = await anthropic.listBatches(oldest);
    sayOnce(credential, list.complete ? undefined : "it ends early", deps);
    return { anthropic, list, listedAt };
  } catch (error) {
    sayOnce(credential, nameOf(error), deps);
    return { anthropic, list: undefined, listedAt };
  }
}

/** A credential that cannot batch has no list either, for as long as that lasts. */
function sayOnce(credential: Credential, problem: string | undefined, { isNews, log }: PollerDeps): void {
  const { apiKeySecret, workspaceId } = credential;
  if (!isNews(credentialOf(credential), problem)) return;
  if (problem === undefined) log("list_complete", { apiKeySecret, workspaceId });
  else log("list_incomplete", { apiKeySecret, workspaceId, problem });
}
