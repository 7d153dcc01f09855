import type { HttpContext } from "../clients/http.ts";
import { adviceOn, type CacheOutlook } from "../domain/advice.ts";
import { hasOwnMarkers } from "../domain/cache-markers.ts";
import { cachePricesOf, prefixOf } from "../domain/cache-prefix.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Agent, Config } from "../domain/config/index.ts";
import { adviceDays, concurrency } from "../domain/limits.ts";
import { type AgentSet, includesAgent } from "../domain/principal.ts";
import { agentParams } from "../domain/turn-request.ts";
import { type Books, dayOf } from "../store/books.ts";
import { type CacheChoiceDeps, chooseCache } from "../turns/cache-choice.ts";
import { readParameters } from "./parameters.ts";

export interface AdviceDeps extends CacheChoiceDeps {
  books: Books;
}

const dayMs = 24 * 3_600_000;

/** `GET /api/advice`: what costs more than it has to, in dollars a month, and the line of the configuration that would change it. */
export function adviceRoutes(deps: AdviceDeps) {
  return { "GET /api/advice": (c: HttpContext) => advise(c, deps) };
}

async function advise(c: HttpContext, deps: AdviceDeps): Promise<Response> {
  const { books, clock } = deps;
  readParameters(c, []);
  const config = configFor(c.get("principal").agents, deps.config);
  const now = clock.now();
  const names = Array.from({ length: adviceDays }, (_, ago) => dayOf(now - (adviceDays - 1 - ago) * dayMs));
  const found = await books.days(names);
  const days = new Map([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  const advice = adviceOn({ config, days, outlooks: await outlooksOf(config.agents, deps), now });
  return c.json({ from: names[0], to: names.at(-1), advice });
}

/** The agents that somebody may see, and their jobs. */
function configFor(mine: AgentSet, { agents, jobs }: Config): Pick<Config, "agents" | "jobs"> {
  return {
    agents: agents.filter(({ id }) => includesAgent(mine, id)),
    jobs: jobs.filter(({ agentId }) => includesAgent(mine, agentId)),
  };
}

async function outlooksOf(agents: readonly Agent[], deps: AdviceDeps): Promise<Map<string, CacheOutlook>> {
  const { config } = deps;
  const outlooks = await mapConcurrently(agents, concurrency, async (agent) => {
    const { model, routing } = agent;
    const choice = await chooseCache(agent, { mode: routing.mode, model }, deps);
    const { tokens } = prefixOf(agent, model);
    const prices = cachePricesOf({ model, mode: routing.mode, tokens }, config.prices);
    const prefixPicoUsd = tokens * (prices?.input ?? 0);
    return [agent.id, { choice, prefixPicoUsd, hasOwnMarkers: hasOwnMarkers(agentParams(agent, model)) }] as const;
  });
  return new Map(outlooks);
}
