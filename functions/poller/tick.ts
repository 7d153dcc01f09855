import { mapConcurrently } from "../domain/concurrently.ts";
import { maxLanes } from "../domain/config/limits.ts";
import { nameOf } from "../domain/errors.ts";
import { closeManifests } from "./close.ts";
import { sweepDeadlines } from "./deadlines.ts";
import type { PollerDeps } from "./deps.ts";
import { endUnheard } from "./kept-too-long.ts";
import { measure } from "./measure.ts";
import { type OpenWork, readOpenWork, type Work } from "./open-work.ts";
import { reconcile } from "./reconcile.ts";
import { sweepRescues } from "./rescue.ts";
import { settleBatches } from "./settle-batch.ts";
import { sumUsage } from "./sum-usage.ts";
import { sweepDeliveries } from "./undelivered.ts";
import { cancelUnwanted } from "./unwanted.ts";

/** The longest step between two renewals; a tick that was killed keeps the next from running for no longer. */
const leaseSeconds = 120;
type Step = readonly [name: string, run: () => Promise<void>];

/**
 * One look at everything that is open or due. Each step is its own: one that fails does not keep the others from running.
 * While a lane's results are read, which may take many minutes, only that lane is held: the next tick does the rest.
 */
export async function tick(deps: PollerDeps): Promise<void> {
  let work: Work = { manifests: [], workspaces: [] };
  const read = async () => {
    work = await readOpenWork(deps);
  };
  const looks: Step[] = [
    ["read", read],
    ["reconcile", () => reconcile(work, deps)],
  ];
  if (!(await runSteps("poller", looks, deps))) return;
  await runStep(["settle", () => settleLanes(work.manifests, deps)], deps);
  const sweeps: Step[] = [
    ["rescue", () => sweepRescues(deps)],
    ["deadlines", () => sweepDeadlines(deps)],
    ["retention", () => endUnheard(work, deps)],
    ["cancel", () => cancelUnwanted(work, deps)],
    ["deliver", () => sweepDeliveries(deps)],
    ["measure", () => measure(work.manifests, deps)],
  ];
  await runSteps("sweeps", sweeps, deps);
  await deps.leases.hold("usage", leaseSeconds, (renew) => runStep(["usage", () => sumUsage(renew, deps)], deps));
}

async function runSteps(lease: string, steps: readonly Step[], deps: PollerDeps): Promise<boolean> {
  const isHeld = await deps.leases.hold(lease, leaseSeconds, async (renew) => {
    for (const step of steps) {
      await runStep(step, deps);
      await renew();
    }
  });
  if (!isHeld) deps.log("lane_busy", { lane: lease });
  return isHeld;
}

async function runStep([step, run]: Step, { log }: PollerDeps): Promise<void> {
  try {
    await run();
  } catch (error) {
    log("tick_failed", { step, error: nameOf(error) });
  }
}

/** Lanes side by side, each under its own lease: neither the size of its results nor their number delays another's. */
async function settleLanes(work: readonly OpenWork[], deps: PollerDeps): Promise<void> {
  const lanes = Map.groupBy(work, ({ manifest }) => manifest.lane);
  await mapConcurrently(lanes, maxLanes, async ([lane, ofLane]) => {
    const settleLane = async () => {
      await deps.leases.hold(`settle/${lane}`, leaseSeconds, async (renew) => {
        await closeManifests(ofLane, deps);
        await settleBatches(ofLane, renew, deps);
      });
    };
    await runStep([`settle ${lane}`, settleLane], deps);
  });
}
