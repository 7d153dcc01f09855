import { noUsage, type Usage } from "./usage.ts";

/**
 * Prices as data, in dollars a million tokens at the standard tier, read 2026-10-08 from Anthropic's pricing page and,
 * for the models published since, from its models overview. Batches cost half of all of it. A cache write costs 1.25 times the input price
 * (5 min) or twice (1 h); a cache read costs `read` times the input price.
 */
interface Price {
  input: number;
  output: number;
  read: number;
  /** Another price for prompts longer than this many tokens, cached ones included. */
  long?: { overTokens: number; input: number; output: number };
  /** Whether `inference_geo: "us"` is offered, at 1.1 times every price. */
  geo?: boolean;
}

const published: Record<string, Price> = {
  "claude-fable-5-2": { input: 8, output: 40, read: 0.025, geo: true },
  "claude-fable-5-1": { input: 10, output: 50, read: 0.025, geo: true },
  "claude-mythos-5-1": { input: 10, output: 50, read: 0.025, geo: true },
  "claude-fable-5": { input: 10, output: 50, read: 0.1, geo: true },
  "claude-mythos-5": { input: 10, output: 50, read: 0.1, geo: true },
  "claude-opus-5-5": { input: 4, output: 20, read: 0.05, geo: true },
  "claude-opus-5": { input: 5, output: 25, read: 0.1, geo: true },
  "claude-opus-4-8": { input: 5, output: 25, read: 0.1, geo: true },
  "claude-opus-4-7": { input: 5, output: 25, read: 0.1, geo: true },
  "claude-opus-4-6": { input: 5, output: 25, read: 0.1, geo: true },
  "claude-opus-4-5": { input: 5, output: 25, read: 0.1 },
  "claude-sonnet-5-5": { input: 2, output: 10, read: 0.05, geo: true },
  "claude-sonnet-5": { input: 2, output: 10, read: 0.1, geo: true },
  "claude-sonnet-4-6": { input: 3, output: 15, read: 0.1, geo: true },
  "claude-sonnet-4-5": { input: 3, output: 15, read: 0.1 },
  "claude-haiku-5-5": {
    input: 0.1,
    output: 0.5,
    read: 0.1,
    long: { overTokens: 100_000, input: 0.5, output: 2.5 },
    geo: true,
  },
  "claude-haiku-4-5": { input: 1, output: 5, read: 0.1 },
};
/** A map, since a model may be called what every object inherits (`constructor`), and has no price then. */
const prices = new Map(Object.entries(published));

export type Tier = "batch" | "standard";
export const batchPriceMultiplier = 0.5;

/** Whole pico-dollars (10^-12 $): a batch cache write of Haiku 5.5 is 62,500 of them a token. */
export type PicoUsd = bigint;
/** The cost, or why it cannot be told. An unknown price is never 0. */
export type Cost = { known: true; picoUsd: PicoUsd } | { known: false; why: string };

export interface Priced {
  model: string;
  tier: Tier;
  usage: Usage;
  inferenceGeo?: string;
}

/** What these tokens cost, exactly. */
export function costOf({ model, tier, usage, inferenceGeo }: Priced): Cost {
  const price = prices.get(model.replace(/-20\d{6}$/, ""));
  if (price === undefined) return { known: false, why: `no price for model ${model}` };
  const isUs = inferenceGeo === "us";
  if (isUs && price.geo !== true) return { known: false, why: `no US price for model ${model}` };
  const promptTokens = usage.input + usage.cacheRead + usage.cacheWrite;
  const { input, output } = price.long !== undefined && promptTokens > price.long.overTokens ? price.long : price;
  // A dollar a million tokens is a million pico-dollars a token; halves and tenths of these are whole.
  const factor = 1_000_000 * (tier === "batch" ? batchPriceMultiplier : 1) * (isUs ? 1.1 : 1);
  const perToken = (dollars: number): bigint => BigInt(Math.round(dollars * factor));
  const picoUsd =
    BigInt(usage.input) * perToken(input) +
    BigInt(usage.output) * perToken(output) +
    BigInt(usage.cacheRead) * perToken(input * price.read) +
    BigInt(usage.cacheWrite5m) * perToken(input * 1.25) +
    BigInt(usage.cacheWrite1h) * perToken(input * 2);
  return { known: true, picoUsd };
}

export function toUsd(picoUsd: PicoUsd): number {
  return Number(picoUsd) / 1e12;
}

/** A result as far as its cost goes. */
export interface BilledResult {
  source: string;
  tier: Tier;
  billed: boolean;
  model: string;
  usage?: Usage;
  inferenceGeo?: string;
}

/**
 * Dollars. `totalUsd` is all that was paid, waste included; `realtimeUsd` what the answers that count would have cost at the
 * standard tier; `savedUsd` the difference, below 0 where waste ate the discount; `missing` counts results without a price.
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
    const actual = costOf(priced);
    const standard = costOf({ ...priced, tier: "standard" });
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
