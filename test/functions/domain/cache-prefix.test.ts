import { describe, expect, it } from "vitest";
import { cachePricesOf, prefixOf } from "../../../functions/domain/cache-prefix.ts";
import { publishedPrices } from "../../../functions/domain/prices.ts";
import { anAgent } from "./support.ts";

const long = "x".repeat(22_000);

describe("the prefix of an agent", () => {
  it("is its tools and its system prompt, in tokens of the model", () => {
    expect(prefixOf(anAgent({ system: long }), "claude-haiku-4-5")).toEqual({ tokens: 5_500, isOpen: true });
    expect(prefixOf(anAgent({ params: { tools: [{ name: long }] } }), "claude-haiku-4-5").isOpen).toBe(true);
  });

  it("that is too short for the model is not cached, and says so", () => {
    expect(prefixOf(anAgent({ system: long }), "claude-opus-4-6").isOpen).toBe(true);
    expect(prefixOf(anAgent({ system: long.slice(0, 16_000) }), "claude-opus-4-6")).toEqual({
      tokens: 4_000,
      isOpen: false,
      retention: "none",
      why: "none: its tools and system prompt have about 4000 tokens, and claude-opus-4-6 caches 4096 or more",
    });
  });

  it("with markers of its own is left to them, and they are not taken away", () => {
    const system = [{ type: "text", text: long, cache_control: { type: "ephemeral" } }] as const;
    expect(prefixOf(anAgent({ system }), "claude-haiku-4-5")).toMatchObject({
      isOpen: false,
      retention: "short",
    });
  });
});

describe("what caching makes of a price", () => {
  it.each([
    ["claude-haiku-4-5", 0.1],
    ["claude-opus-5-5", 0.05],
    ["claude-fable-5-2", 0.025],
  ])("of %s is 1.25 and 2 to write, %f to read, in a batch as in real time", (model, read) => {
    const relative = { read, write5m: 1.25, write1h: 2 };
    const batch = cachePricesOf({ model, mode: "batch", tokens: 1_000 }, publishedPrices);
    expect(batch?.relative).toEqual(relative);
    const realtime = cachePricesOf({ model, mode: "realtime", tokens: 1_000 }, publishedPrices);
    expect(realtime).toEqual({ relative, input: (batch?.input ?? 0) * 2 });
  });

  it("goes by the length of the prefix where a model's price does", () => {
    const inputOf = (tokens: number) =>
      cachePricesOf({ model: "claude-haiku-5-5", mode: "realtime", tokens }, publishedPrices)?.input;
    expect([inputOf(100_000), inputOf(100_001)]).toEqual([100_000, 500_000]);
  });

  it("is not known where a price is not", () => {
    const [mode, tokens] = ["batch", 1_000] as const;
    expect(cachePricesOf({ model: "claude-tomorrow", mode, tokens }, publishedPrices)).toBeUndefined();
    const models = new Map([["half", { usdPerMTok: { input: 1, cacheRead: 0.1 }, usInference: false }]]);
    expect(cachePricesOf({ model: "half", mode, tokens }, { models, webSearchUsd: 0.01 })).toBeUndefined();
  });
});
