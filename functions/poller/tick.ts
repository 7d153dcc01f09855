import { nameOf } from "../domain/errors.ts";
import { closeManifests } from "./close.ts";
import { sweepDeadlines } from "./deadlines.ts";
import type { PollerDeps } from "./deps.ts";
import { measure } from "./measure.ts";
import { readOpenWork, type Work } from "./open-work.ts";
import { reconcile } from "./reconcile.ts";
import { sweepRescues } from "./rescue.ts";
import { settleBatches } from "./settle-batch.ts";
import { sweepDeliveries } from "./undelivered.ts";
import { cancelUnwanted } from "./unwanted.ts";

/** The longest step between two renewals; a tick that was killed keeps the next from running for no longer. */
const leaseSeconds = 120;

/** One look at everything that is open or due. Each step is its own: one that fails does not keep the others from running. */
export async function tick(deps: PollerDeps): Promise<void> {
  const isHeld = await deps.leases.hold("poller", leaseSeconds, async (renew) => {
    let work: Work = { manifests: [], workspaces: [] };
    const steps: [name: string, run: () => Promise<void>][] = [
      [
        "read",
        async () => {
          work = await readOpenWork(deps);
        },
      ],
      ["reconcile", () => reconcile(work, deps)],
      ["settle", () => settleBatches(work.manifests, renew, deps)],
      ["close", () => closeManifests(work.manifests, deps)],
      ["rescue", () => sweepRescues(deps)],
      ["deadlines", () => sweepDeadlines(deps)],
      ["cancel", () => cancelUnwanted(work, deps)],
      ["deliver", () => sweepDeliveries(deps)],
      ["measure", () => measure(work.manifests, deps)],
    ];
    for (const [step, run] of steps) {
      await runStep(step, run, deps);
      await renew();
    }
  });
  if (!isHeld) deps.log("lane_busy", { lane: "poller" });
}

async function runStep(step: string, run: () => Promise<void>, { log }: PollerDeps): Promise<void> {
  try {
    await run();
  } catch (error) {
    log("tick_failed", { step, error: nameOf(error) });
  }
}
