import { fromUsd, type PicoUsd } from "./picos.ts";
import { type PriceTable, type Tier, tokenPrices } from "./prices.ts";
import { promptTokens, type Usage } from "./usage.ts";

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
