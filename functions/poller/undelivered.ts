import { maxDuePerTick } from "../domain/limits.ts";
import { isTerminal } from "../domain/session.ts";
import { deliver } from "../turns/deliver.ts";
import type { PollerDeps } from "./deps.ts";

/** A turn stays due until it is delivered: whoever ended it may have died, or the bus may have been away. */
export async function sweepDeliveries(deps: PollerDeps): Promise<void> {
  const { sessions, clock, metrics } = deps;
  const ids = await sessions.due("deliver", clock.now(), maxDuePerTick);
  const found = await sessions.getMany(ids);
  const undelivered = found.sessions.filter((session) => isTerminal(session.status) && session.delivered !== true);
  const ages = undelivered.map(({ endedAt }) => (clock.now() - (endedAt ?? clock.now())) / 1000);
  metrics({ undeliveredSeconds: Math.max(0, ...ages) });
  await deliver(undelivered, deps);
}
