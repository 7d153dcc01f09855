import { isTerminal } from "../domain/session.ts";
import { deliver } from "../turns/deliver.ts";
import type { PollerDeps } from "./deps.ts";
import { readDue } from "./due.ts";

/** A turn stays due until it is delivered: whoever ended it may have died, or the bus may have been away. */
export async function sweepDeliveries(deps: PollerDeps): Promise<void> {
  const { clock, metrics } = deps;
  const due = await readDue("deliver", deps);
  const undelivered = due.filter((session) => isTerminal(session.status) && session.delivered !== true);
  const ages = undelivered.map(({ endedAt }) => (clock.now() - (endedAt ?? clock.now())) / 1000);
  metrics({ undeliveredSeconds: Math.max(0, ...ages) });
  await deliver(undelivered, deps);
}
