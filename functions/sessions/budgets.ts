import type { HttpContext } from "../clients/http.ts";
import { nanoToUsd, type Purse, pursesOf } from "../domain/budget.ts";
import type { Clock } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Config } from "../domain/config/index.ts";
import { concurrency } from "../domain/limits.ts";
import { includesAgent } from "../domain/principal.ts";
import { dayOf } from "../store/books.ts";
import type { Purses } from "../store/purses.ts";

export interface BudgetsDeps {
  config: Config;
  purses: Purses;
  clock: Clock;
}

/** `GET /api/budgets`: what is spent and reserved today of every budget. Those of lanes are spent by all agents together. */
export function budgetRoutes({ config, purses, clock }: BudgetsDeps) {
  return {
    "GET /api/budgets": async (c: HttpContext) => {
      const day = dayOf(clock.now());
      const { agents } = c.get("principal");
      const mine = config.agents.filter(({ id }) => includesAgent(agents, id));
      const lanes = agents === "*" ? config.lanes : [];
      const ofAgents = mine.flatMap(({ id }) => pursesOf({ agentId: id, lane: "" }, config));
      const ofLanes = lanes.flatMap(({ id }) => pursesOf({ agentId: "", lane: id }, config));
      const budgets = await mapConcurrently([...ofAgents, ...ofLanes], concurrency, (purse) =>
        describePurse(purse, day, purses),
      );
      return c.json({ day, budgets });
    },
  };
}

async function describePurse({ name, budget }: Purse, day: string, purses: Purses) {
  const { reserved, released, spent } = await purses.read(name, day);
  return { purse: name, ...budget, spentUsd: nanoToUsd(spent), reservedUsd: nanoToUsd(reserved - released) };
}
