import { describe, expect, it } from "vitest";
import {
  batchPriceMultiplier,
  type PriceQuery,
  publishedPrices,
  tokenPrices,
} from "../../../functions/domain/prices.ts";

const prices = (query: Partial<PriceQuery>) =>
  tokenPrices({ model: "claude-haiku-5-5", tier: "standard", promptTokens: 1_000, ...query }, publishedPrices);

describe("the prices of a token", () => {
  it("are whole pico-dollars for each kind", () => {
    expect(prices({})).toEqual({
      known: true,
      prices: { input: 100_000n, output: 500_000n, cacheRead: 10_000n, cacheWrite5m: 125_000n, cacheWrite1h: 200_000n },
    });
  });

  it("are half in a batch, those of the cache too", () => {
    expect(batchPriceMultiplier).toBe(0.5);
    expect(prices({ tier: "batch" })).toMatchObject({
      prices: { input: 50_000n, output: 250_000n, cacheRead: 5_000n, cacheWrite5m: 62_500n, cacheWrite1h: 100_000n },
    });
  });

  it("go by the length of the prompt, and by the place", () => {
    expect(prices({ promptTokens: 100_000 })).toMatchObject({ prices: { input: 100_000n } });
    expect(prices({ promptTokens: 100_001 })).toMatchObject({ prices: { input: 500_000n, cacheRead: 50_000n } });
    expect(prices({ inferenceGeo: "us" })).toMatchObject({ prices: { input: 110_000n } });
    expect(prices({ inferenceGeo: "not_available" })).toMatchObject({ prices: { input: 100_000n } });
  });

  it.each([
    [{ model: "claude-mythos-5-2" }, "no price for model claude-mythos-5-2"],
    [{ tier: "other" as const }, "no price for this service tier"],
    [{ model: "claude-opus-4-5", inferenceGeo: "us" }, "no US price for model claude-opus-4-5"],
    [{ inferenceGeo: "eu" }, "no price for inference in eu"],
  ])("are not known for %j, and never 0", (query, why) => {
    expect(prices(query)).toEqual({ known: false, why });
  });
});
