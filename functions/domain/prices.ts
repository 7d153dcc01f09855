import type { PicoUsd } from "./picos.ts";

/** What a thousand thousand tokens cost at the standard tier, in dollars, by kind. One that is not known is left out. */
export interface Figures {
  input?: number;
  output?: number;
  cacheRead?: number;
  cacheWrite5m?: number;
  cacheWrite1h?: number;
}

export interface ModelPrice {
  usdPerMTok: Figures;
  /** Other prices for prompts longer than this many tokens, cached ones included, from the first token on. */
  longPrompts?: { overTokens: number; usdPerMTok: Figures };
  /** Whether `inference_geo: "us"` is offered, at 1.1 times every price. */
  usInference: boolean;
}

export interface PriceTable {
  models: ReadonlyMap<string, ModelPrice>;
  /** Dollars a search. */
  webSearchUsd: number;
}

/** Batches cost half of what the standard tier does: every kind of token, those of the cache included. */
export const batchPriceMultiplier = 0.5;

/** `other` is a tier that has no published price, such as `priority`. */
export const tiers = ["batch", "standard", "other"] as const;
export type Tier = (typeof tiers)[number];

/** @param read times the input price; writes are 1.25 times (5 min) and twice (1 h) the input price of every model */
function figures(input: number, output: number, read: number): Figures {
  return { input, output, cacheRead: input * read, cacheWrite5m: input * 1.25, cacheWrite1h: input * 2 };
}

const usInference = true;
const noUsInference = false;
const model = (input: number, output: number, read: number, isInUs: boolean): ModelPrice => ({
  usdPerMTok: figures(input, output, read),
  usInference: isInUs,
});

/**
 * As published on 2026-10-08 (platform.claude.com, pricing and prompt caching), and for Fable 5.2 on 2026-11-10 (models
 * overview; its cache prices by the rules of its line). Mythos 5.2 and Mythos Preview have no published price.
 */
const published: Record<string, ModelPrice> = {
  "claude-fable-5-2": model(8, 40, 0.025, usInference),
  "claude-fable-5-1": model(10, 50, 0.025, usInference),
  "claude-mythos-5-1": model(10, 50, 0.025, usInference),
  "claude-fable-5": model(10, 50, 0.1, usInference),
  "claude-mythos-5": model(10, 50, 0.1, usInference),
  "claude-opus-5-5": model(4, 20, 0.05, usInference),
  "claude-opus-5": model(5, 25, 0.1, usInference),
  "claude-opus-4-8": model(5, 25, 0.1, usInference),
  "claude-opus-4-7": model(5, 25, 0.1, usInference),
  "claude-opus-4-6": model(5, 25, 0.1, usInference),
  "claude-opus-4-5": model(5, 25, 0.1, noUsInference),
  "claude-sonnet-5-5": model(2, 10, 0.05, usInference),
  "claude-sonnet-5": model(2, 10, 0.1, usInference),
  "claude-sonnet-4-6": model(3, 15, 0.1, usInference),
  "claude-sonnet-4-5": model(3, 15, 0.1, noUsInference),
  "claude-haiku-5-5": {
    ...model(0.1, 0.5, 0.1, usInference),
    longPrompts: { overTokens: 100_000, usdPerMTok: figures(0.5, 2.5, 0.1) },
  },
  "claude-haiku-4-5": model(1, 5, 0.1, noUsInference),
};

/** A map, since a model may be called what every object inherits (`constructor`), and has no price then. */
export const publishedPrices: PriceTable = { models: new Map(Object.entries(published)), webSearchUsd: 0.01 };

/** What one token of each kind costs. A kind without a price is absent, and never 0. */
export type TokenPrices = { [K in keyof Figures]?: PicoUsd };

export interface PriceQuery {
  model: string;
  tier: Tier;
  /** All tokens of the prompt, cached ones included. */
  promptTokens: number;
  inferenceGeo?: string | undefined;
}

/** Where inference costs the plain price; `not_available` is said of models that offer no choice. */
const plainGeos: readonly (string | undefined)[] = [undefined, "global", "not_available"];

/** By its name, or by that without the day of its release. */
export function priceOf(name: string, models: PriceTable["models"]): ModelPrice | undefined {
  return models.get(name) ?? models.get(name.replace(/-20\d{6}$/, ""));
}

/** The price of one token of each kind, or why there is none. */
export function tokenPrices(
  { model: name, tier, promptTokens, inferenceGeo }: PriceQuery,
  { models }: PriceTable,
): { known: true; prices: TokenPrices } | { known: false; why: string } {
  const price = priceOf(name, models);
  if (price === undefined) return { known: false, why: `no price for model ${name}` };
  if (tier === "other") return { known: false, why: "no price for this service tier" };
  const isUs = inferenceGeo === "us";
  if (isUs && !price.usInference) return { known: false, why: `no US price for model ${name}` };
  if (!isUs && !plainGeos.includes(inferenceGeo))
    return { known: false, why: `no price for inference in ${inferenceGeo}` };
  const { longPrompts } = price;
  const isLong = longPrompts !== undefined && promptTokens > longPrompts.overTokens;
  const { usdPerMTok } = isLong ? longPrompts : price;
  // A dollar a million tokens is a million pico-dollars a token; of four decimals, halves and eleven tenths are whole.
  const factor = 1_000_000 * (tier === "batch" ? batchPriceMultiplier : 1) * (isUs ? 1.1 : 1);
  const prices = Object.entries(usdPerMTok).map(([kind, usd]) => [kind, BigInt(Math.round(usd * factor))] as const);
  return { known: true, prices: Object.fromEntries(prices) };
}
