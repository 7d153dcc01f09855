import { describe, expect, it } from "vitest";
import { publishedPrices } from "../../../../functions/domain/prices.ts";
import { agents, configOf, problemsOf } from "./read.ts";

const priceOf = (pricing: unknown, id: string) => configOf({ agents, pricing }).prices.models.get(id);

describe("pricing", () => {
  it("is what Anthropic publishes, where nothing is written", () => {
    expect(configOf({ agents }).prices).toBe(publishedPrices);
    expect(configOf({ agents, pricing: {} }).prices).toEqual(publishedPrices);
  });

  it("replaces a published price figure by figure", () => {
    const models = [{ id: "claude-haiku-4-5", usdPerMTok: { input: 0.9 } }];
    expect(priceOf({ models }, "claude-haiku-4-5")).toEqual({
      usdPerMTok: { input: 0.9, output: 5, cacheRead: 0.1, cacheWrite5m: 1.25, cacheWrite1h: 2 },
      usInference: false,
    });
    expect(priceOf({ models }, "claude-opus-5")).toEqual(publishedPrices.models.get("claude-opus-5"));
    expect(configOf({ agents, pricing: { webSearchUsd: 0.008 } }).prices.webSearchUsd).toBe(0.008);
  });

  it("knows the published figures of a model by the name with its day, too", () => {
    const models = [{ id: "claude-haiku-4-5-20251001", usdPerMTok: { output: 4 } }];
    expect(priceOf({ models }, "claude-haiku-4-5-20251001")).toMatchObject({ usdPerMTok: { input: 1, output: 4 } });
  });

  it("adds a model, and invents none of its figures", () => {
    const longPrompts = { overTokens: 200_000, usdPerMTok: { input: 2 } };
    const models = [{ id: "claude-next", usdPerMTok: { input: 1, output: 5 }, usInference: true, longPrompts }];
    expect(priceOf({ models }, "claude-next")).toEqual({
      usdPerMTok: { input: 1, output: 5 },
      usInference: true,
      longPrompts,
    });
  });

  it.each([
    [[], "pricing: must be an object"],
    [{ models: [{}] }, "pricing.models[0].id: is required"],
    [{ models: [{ id: "a" }, { id: "a" }] }, 'pricing.models[1].id: "a" is the id of pricing.models[0] already'],
    [
      { models: [{ id: "a", usdPerMTok: { inputs: 1 } }] },
      "pricing.models[0].usdPerMTok.inputs: unknown key (did you mean input?)",
    ],
    [
      { models: [{ id: "a", usdPerMTok: { input: 0.00001 } }] },
      "pricing.models[0].usdPerMTok.input: must be dollars from 0 to 10000, with at most 4 decimals",
    ],
    [
      { models: [{ id: "a", usdPerMTok: { input: -1 } }] },
      "pricing.models[0].usdPerMTok.input: must be dollars from 0 to 10000, with at most 4 decimals",
    ],
    [
      { models: [{ id: "a", longPrompts: { usdPerMTok: {} } }] },
      "pricing.models[0].longPrompts.overTokens: is required",
    ],
  ])("%j is refused with %j", (pricing, problem) => {
    expect(problemsOf({ agents, pricing })).toEqual([problem]);
  });
});
