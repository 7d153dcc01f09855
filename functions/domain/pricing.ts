import { fromUsd, type PicoUsd, toUsd } from "./picos.ts";
import { type PriceTable, publishedPrices, type Tier, tokenPrices } from "./prices.ts";
import { noUsage, promptTokens, type Usage } from "./usage.ts";

/** The cost, or why it cannot be told. An unknown price is never 0. */
export type Cost = { known: true; picoUsd: PicoUsd } | { known: false; why: string };

export interface Priced {
  model: string;
  tier: Tier;
  usage: Usage;
  inferenceGeo?: string;
  /** Why this cannot be priced, whatever the table says. */
  unpriced?: string;
}

const kinds = ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"] as const;

/** What these tokens and searches cost, exactly. Searches cost the same in every tier and place. */
export function costOf({ model, tier, usage, inferenceGeo, unpriced }: Priced, table: PriceTable): Cost {
  if (unpriced !== undefined) return { known: false, why: unpriced };
  const found = tokenPrices({ model, tier, promptTokens: promptTokens(usage), inferenceGeo }, table);
  if (!found.known) return found;
  let picoUsd = BigInt(usage.webSearches) * fromUsd(table.webSearchUsd);
  for (const kind of kinds) {
    const price = found.prices[kind];
    if (usage[kind] > 0 && price === undefined) return { known: false, why: `no price for ${kind} of model ${model}` };
    picoUsd += BigInt(usage[kind]) * (price ?? 0n);
  }
  return { known: true, picoUsd };
}

/** A result as far as its cost goes. */
export interface BilledResult {
  source: string;
  tier: Tier;
  billed: boolean;
  model: string;
  usage?: Usage;
  inferenceGeo?: string;
  unpriced?: string;
}

/**
 * Dollars. `totalUsd` is all that was paid, waste included; `realtimeUsd` what the answers that count would have cost at the
 * standard tier; `savedUsd` the difference, below 0 where waste ate it; `missing` counts results without a price.
 */
export interface SessionCost {
  totalUsd: number;
  realtimeUsd: number;
  savedUsd: number;
  wastedUsd: number;
  missing: number;
}

/** Adds up every billed result of a session. What did not win its turn is waste, and is counted in the total as well. */
export function sessionCost(results: readonly BilledResult[], winners: ReadonlySet<string>): SessionCost {
  let [total, realtime, wasted, missing] = [0n, 0n, 0n, 0];
  for (const result of results.filter(({ billed }) => billed)) {
    const priced = { ...result, usage: result.usage ?? noUsage };
    const actual = costOf(priced, publishedPrices);
    const standard = costOf({ ...priced, tier: "standard" }, publishedPrices);
    if (!actual.known || !standard.known || result.usage === undefined) {
      missing += 1;
      continue;
    }
    total += actual.picoUsd;
    // In real time, what did not count would not have been asked for.
    if (winners.has(result.source)) realtime += standard.picoUsd;
    else wasted += actual.picoUsd;
  }
  return {
    totalUsd: toUsd(total),
    realtimeUsd: toUsd(realtime),
    savedUsd: toUsd(realtime - total),
    wastedUsd: toUsd(wasted),
    missing,
  };
}
