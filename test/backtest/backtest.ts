import type { CachePrices } from "../../functions/domain/cache-choice.ts";
import { cachePricesOf } from "../../functions/domain/cache-prefix.ts";
import { publishedPrices } from "../../functions/domain/prices.ts";
import { always, auto, clairvoyant, replay } from "./replay.ts";
import { dayMs, type Trace } from "./traces.ts";

/** What the prefixes of one trace cost, in dollars a day, under each setting. */
export interface Outcome {
  name: string;
  kind: Trace["kind"];
  requests: number;
  usdPerDay: Record<"none" | "short" | "long" | "auto" | "clairvoyant", number>;
  /** The cheapest of none, short and long for the whole of it. */
  bestFixed: "none" | "short" | "long";
  /** How much more than that auto pays, and whoever knows the future: below 0 where it is less. */
  autoOver: number;
  clairvoyantOver: number;
}

export function backtest(trace: Trace): Outcome {
  const found = cachePricesOf({ model: trace.model, mode: trace.mode, tokens: trace.prefixTokens }, publishedPrices);
  if (found === undefined) throw new Error(`no price for ${trace.model}`);
  const prices: CachePrices = found.relative;
  const begins = trace.agents.flatMap((arrivals) => arrivals.slice(0, 1)).map(({ at }) => at);
  const ends = trace.agents.flatMap((arrivals) => arrivals.slice(-1)).map(({ at }) => at);
  const days = Math.max(1, (Math.max(...ends) - Math.min(...begins)) / dayMs);
  const usd = (prefixes: number) => (prefixes * trace.prefixTokens * found.input) / 1e12 / days;
  const usdPerDay = {
    none: usd(replay(trace, prices, always("none"))),
    short: usd(replay(trace, prices, always("short"))),
    long: usd(replay(trace, prices, always("long"))),
    auto: usd(replay(trace, prices, auto)),
    clairvoyant: usd(clairvoyant(trace, prices)),
  };
  const bestFixed = (["none", "short", "long"] as const).reduce((best, one) =>
    usdPerDay[one] < usdPerDay[best] ? one : best,
  );
  const over = (cost: number) => cost / usdPerDay[bestFixed] - 1;
  return {
    name: trace.name,
    kind: trace.kind,
    requests: trace.agents.flat().reduce((sum, { requests }) => sum + requests, 0),
    usdPerDay,
    bestFixed,
    autoOver: over(usdPerDay.auto),
    clairvoyantOver: over(usdPerDay.clairvoyant),
  };
}
