import type { Anthropic, BatchList } from "../clients/anthropic.ts";
import { credentialOf } from "../clients/anthropic-by-lane.ts";
import type { Queues } from "../clients/sqs.ts";
import type { Batch } from "../domain/batch.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Config, Lane } from "../domain/config/index.ts";
import { batchLifeSeconds, concurrency } from "../domain/limits.ts";
import type { Metrics } from "../domain/log.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { Leases } from "../store/leases.ts";
import type { Manifests } from "../store/manifests.ts";
import type { DeliverDeps } from "../turns/deliver.ts";
import type { SettleDeps } from "../turns/settle.ts";
import { closeManifests } from "./close.ts";
import { sweepDeadlines } from "./deadlines.ts";
import { measure } from "./measure.ts";
import { reconcile } from "./reconcile.ts";
import { sweepRescues } from "./rescue.ts";
import { settleBatches } from "./settle-batch.ts";
import { sweepDeliveries } from "./undelivered.ts";

export interface PollerDeps extends SettleDeps, DeliverDeps {
  config: Config;
  manifests: Manifests;
  leases: Leases;
  queues: Queues;
  anthropicFor(lane: Pick<Lane, "apiKeySecret" | "workspaceId">): Anthropic;
  metrics: Metrics;
  tickSeconds: number;
  reconcileGraceSeconds: number;
  /** Until the function's own end. */
  millisecondsLeft(): number;
}

/** An open manifest, with its lane's way to the API and what the list says of its workspace. */
export interface OpenWork {
  manifest: Manifest;
  anthropic: Anthropic;
  /** Undefined when the list could not be read in this tick. */
  list: BatchList | undefined;
  batch: Batch | undefined;
}

/** As long as the function may run. */
const leaseSeconds = 900;

/** One look at everything that is open or due. Each step is its own: one that fails does not keep the others from running. */
export async function tick(deps: PollerDeps): Promise<void> {
  const isHeld = await deps.leases.hold("poller", leaseSeconds, async () => {
    const work = await readOpenWork(deps);
    const steps: [name: string, run: () => Promise<void>][] = [
      ["reconcile", () => reconcile(work, deps)],
      ["settle", () => settleBatches(work.manifests, deps)],
      ["close", () => closeManifests(work.manifests, deps)],
      ["rescue", () => sweepRescues(deps)],
      ["deadlines", () => sweepDeadlines(deps)],
      ["deliver", () => sweepDeliveries(deps)],
      ["measure", () => measure(work.manifests, deps)],
    ];
    for (const [step, run] of steps) await runStep(step, run, deps);
  });
  if (!isHeld) deps.log("lane_busy", { lane: "poller" });
}

async function runStep(step: string, run: () => Promise<void>, { log }: PollerDeps): Promise<void> {
  try {
    await run();
  } catch (error) {
    log("tick_failed", { step, error: error instanceof Error ? error.name : "unknown" });
  }
}

export interface Work {
  manifests: OpenWork[];
  /** One list per credential that lanes use, with the client that made it. */
  lists: { anthropic: Anthropic; list: BatchList }[];
}

/** Lists reach back to the oldest open manifest, and a batch's life besides, so that one that surfaces late is seen. */
async function readOpenWork(deps: PollerDeps): Promise<Work> {
  const { manifests, config, clock, log } = deps;
  const open = await manifests.open();
  const heads = await mapConcurrently(open, concurrency, async ({ manifestId }) => {
    try {
      return await manifests.get(manifestId);
    } catch {
      log("manifest_unreadable", { manifestId });
      return undefined;
    }
  });
  const found = heads.filter((manifest) => manifest !== undefined);
  const oldest = Math.min(clock.now() - batchLifeSeconds * 1000, ...found.map(({ createdAt }) => createdAt));
  const lists = new Map<string, { anthropic: Anthropic; list: BatchList | undefined }>();
  for (const lane of config.lanes) {
    const credential = credentialOf(lane);
    if (!lists.has(credential)) lists.set(credential, await readList(lane, oldest, deps));
  }
  return {
    manifests: found.map((manifest) => toWork(manifest, lists, deps)),
    lists: [...lists.values()].flatMap(({ anthropic, list }) => (list === undefined ? [] : [{ anthropic, list }])),
  };
}

async function readList(lane: Lane, oldest: number, { anthropicFor, log }: PollerDeps) {
  const anthropic = anthropicFor(lane);
  try {
    return { anthropic, list: await anthropic.listBatches(oldest) };
  } catch (error) {
    log("list_incomplete", { lane: lane.id, error: error instanceof Error ? error.name : "unknown" });
    return { anthropic, list: undefined };
  }
}

function toWork(
  manifest: Manifest,
  lists: ReadonlyMap<string, { anthropic: Anthropic; list: BatchList | undefined }>,
  { config, anthropicFor }: PollerDeps,
): OpenWork {
  const lane = config.lanes.find(({ id }) => id === manifest.lane) ?? {};
  const known = lists.get(credentialOf(lane));
  return {
    manifest,
    anthropic: known?.anthropic ?? anthropicFor(lane),
    list: known?.list,
    batch: known?.list?.batches.find(({ batchId }) => batchId === manifest.batchId),
  };
}
