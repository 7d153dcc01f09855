import type { HttpApp } from "../clients/http.ts";
import { nanoToUsd, type Purse, pursesOf } from "../domain/budget.ts";
import type { Clock } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Config } from "../domain/config/index.ts";
import { concurrency } from "../domain/limits.ts";
import { dayOf } from "../store/books.ts";
import type { Purses } from "../store/purses.ts";

export interface BudgetsDeps {
  config: Config;
  purses: Purses;
  clock: Clock;
}

/** `GET /api/budgets`: what is spent and reserved today of every budget. */
export function addBudgetRoutes(app: HttpApp, { config, purses, clock }: BudgetsDeps): void {
  app.get("/api/budgets", async (c) => {
    const day = dayOf(clock.now());
    const ofAgents = config.agents.flatMap(({ id }) => pursesOf({ agentId: id, lane: "" }, config));
    const ofLanes = config.lanes.flatMap(({ id }) => pursesOf({ agentId: "", lane: id }, config));
    const budgets = await mapConcurrently([...ofAgents, ...ofLanes], concurrency, (purse) =>
      describePurse(purse, day, purses),
    );
    return c.json({ day, budgets });
  });
}

async function describePurse({ name, budget }: Purse, day: string, purses: Purses) {
  const { reserved, released, spent } = await purses.read(name, day);
  return { purse: name, ...budget, spentUsd: nanoToUsd(spent), reservedUsd: nanoToUsd(reserved - released) };
}
