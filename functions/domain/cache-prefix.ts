import type { CachePrices } from "./cache-choice.ts";
import { bytesOfPrefix, hasOwnMarkers, isCached } from "./cache-markers.ts";
import { estimatedTokens, minCacheTokens } from "./cache-minimum.ts";
import type { Agent, CacheRetention } from "./config/index.ts";
import { type PriceTable, tokenPrices } from "./prices.ts";
import type { Mode } from "./session.ts";
import { agentParams } from "./turn-request.ts";

/** What every request of an agent to one model begins with; or why there is nothing to choose, and what it has then. */
export type Prefix = { tokens: number } & (
  | { isOpen: true }
  | { isOpen: false; retention: CacheRetention; why: string }
);

export function prefixOf(agent: Agent, model: string): Prefix {
  const params = agentParams(agent, model);
  const bytes = bytesOfPrefix(params);
  const tokens = estimatedTokens(bytes, model);
  if (hasOwnMarkers(params))
    return { tokens, isOpen: false, retention: "short", why: "it has markers of its own, which are kept as they are" };
  if (isCached(params, bytes)) return { tokens, isOpen: true };
  const least = minCacheTokens(model);
  return {
    tokens,
    isOpen: false,
    retention: "none",
    why: `none: its tools and system prompt have about ${tokens} tokens, and ${model} caches ${least} or more`,
  };
}

/**
 * Pico-dollars a token of a prefix costs uncached, and what caching makes of it; `undefined` where a price is not known.
 * @param tokens of the prefix, since a long prompt may have a price of its own
 */
export function cachePricesOf(
  { model, mode, tokens }: { model: string; mode: Mode; tokens: number },
  table: PriceTable,
): { input: number; relative: CachePrices } | undefined {
  const found = tokenPrices({ model, tier: mode === "batch" ? "batch" : "standard", promptTokens: tokens }, table);
  if (!found.known) return undefined;
  const { input, cacheRead, cacheWrite5m, cacheWrite1h } = found.prices;
  if (!input || cacheRead === undefined || cacheWrite5m === undefined || cacheWrite1h === undefined) return undefined;
  const times = (price: bigint) => Number(price) / Number(input);
  const relative = { read: times(cacheRead), write5m: times(cacheWrite5m), write1h: times(cacheWrite1h) };
  return { input: Number(input), relative };
}
