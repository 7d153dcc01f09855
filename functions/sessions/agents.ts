import type { HttpContext } from "../clients/http.ts";
import type { CacheCosts } from "../domain/cache-choice.ts";
import { cachePricesOf, prefixOf } from "../domain/cache-prefix.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Agent } from "../domain/config/index.ts";
import { concurrency } from "../domain/limits.ts";
import { includesAgent } from "../domain/principal.ts";
import { type CacheChoiceDeps, chooseCache } from "../turns/cache-choice.ts";

/** `GET /api/agents`: the agents of the configuration, what `auto` would choose for each of them now, and why. */
export function agentRoutes(deps: CacheChoiceDeps) {
  return {
    "GET /api/agents": async (c: HttpContext) => {
      const mine = deps.config.agents.filter(({ id }) => includesAgent(c.get("principal").agents, id));
      const agents = await mapConcurrently(mine, concurrency, (agent) => describeAgent(agent, deps));
      return c.json({ agents });
    },
  };
}

async function describeAgent(agent: Agent, deps: CacheChoiceDeps) {
  const { id, name, model, routing, lane, cacheRetention } = agent;
  const { mode } = routing;
  const { retention, why, costs, hitRate, basedOn } = await chooseCache(agent, { mode, model }, deps);
  const { tokens } = prefixOf(agent, model);
  const prices = cachePricesOf({ model, mode, tokens }, deps.config.prices);
  return {
    agentId: id,
    name,
    model,
    routing: mode,
    lane: lane.id,
    cacheRetention,
    prefixTokens: tokens,
    auto: {
      choice: retention,
      why,
      basedOn,
      hitRate: hitRate === undefined ? undefined : { short: rounded(hitRate.short), long: rounded(hitRate.long) },
      expectedUsd: costs === undefined || prices === undefined ? undefined : inUsd(costs, tokens * prices.input),
    },
  };
}

const rounded = (share: number) => Math.round(share * 1000) / 1000;

/** Of the prefix of one request. */
function inUsd({ none, short, long }: CacheCosts, picoUsd: number) {
  const usd = (times: number) => Math.round((times * picoUsd) / 1e3) / 1e9;
  return { none: usd(none), short: usd(short), long: usd(long) };
}
