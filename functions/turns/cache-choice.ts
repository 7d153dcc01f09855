import { type CacheChoice, chooseRetention } from "../domain/cache-choice.ts";
import { cachePricesOf, prefixOf } from "../domain/cache-prefix.ts";
import type { Clock } from "../domain/clock.ts";
import type { Agent, Config } from "../domain/config/index.ts";
import type { CachePool, CacheRuns } from "../store/cache-runs.ts";

export interface CacheChoiceDeps {
  config: Config;
  cacheRuns: CacheRuns;
  clock: Clock;
}

/**
 * What `auto` chooses for a request that an agent gets now. It reads 64 small items, and only where there is something to
 * choose: three read units, a fifteenth of what a marker less saves on the shortest prefix of the cheapest model.
 */
export async function chooseCache(
  agent: Agent,
  { mode, model }: Pick<CachePool, "mode" | "model">,
  { config, cacheRuns, clock }: CacheChoiceDeps,
): Promise<CacheChoice> {
  const prefix = prefixOf(agent, model);
  if (!prefix.isOpen) return { retention: prefix.retention, why: prefix.why, basedOn: 0 };
  const prices = cachePricesOf({ model, mode, tokens: prefix.tokens }, config.prices);
  if (prices === undefined) {
    const why = `short, since the prices of ${model} are not known`;
    return { retention: "short", why, basedOn: 0 };
  }
  const runs = await cacheRuns.recent({ agentId: agent.id, mode, model });
  return chooseRetention(runs, clock.now(), prices.relative);
}
