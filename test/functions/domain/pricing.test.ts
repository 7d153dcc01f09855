import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toUsd } from "../../../functions/domain/picos.ts";
import { publishedPrices, type Tier } from "../../../functions/domain/prices.ts";
import { type Cost, type Priced, costOf as priceBy } from "../../../functions/domain/pricing.ts";
import type { Usage } from "../../../functions/domain/usage.ts";
import { aUsage } from "./support.ts";

const million = 1_000_000;
const kinds = {
  input: { input: million },
  output: { output: million },
  write5m: { cacheWrite: million, cacheWrite5m: million },
  write1h: { cacheWrite: million, cacheWrite1h: million },
  read: { cacheRead: million },
} satisfies Record<string, Partial<Usage>>;

const costOf = (priced: Priced) => priceBy(priced, publishedPrices);

function dollars(cost: Cost): number | string {
  return cost.known ? toUsd(cost.picoUsd) : cost.why;
}

function microPrice(model: string, kind: keyof typeof kinds, tier: Tier, tokens = 1_000) {
  const share = Object.fromEntries(
    Object.entries(kinds[kind]).map(([name, count]) => [name, (count / million) * tokens]),
  );
  return costOf({ model, tier, usage: aUsage(share) });
}

/** Dollars a million tokens at the standard tier: input, output, 5 min write, 1 h write, read, as published on 2026-10-08. */
const published: [models: string[], ...prices: number[]][] = [
  [["claude-fable-5-2"], 8, 40, 10, 16, 0.2],
  [["claude-fable-5-1", "claude-mythos-5-1"], 10, 50, 12.5, 20, 0.25],
  [["claude-fable-5", "claude-mythos-5"], 10, 50, 12.5, 20, 1],
  [["claude-opus-5-5"], 4, 20, 5, 8, 0.2],
  [
    [
      "claude-opus-5",
      "claude-opus-4-8",
      "claude-opus-4-7",
      "claude-opus-4-6",
      "claude-opus-4-5",
      "claude-opus-4-5-20251101",
    ],
    5,
    25,
    6.25,
    10,
    0.5,
  ],
  [["claude-sonnet-5-5"], 2, 10, 2.5, 4, 0.1],
  [["claude-sonnet-5"], 2, 10, 2.5, 4, 0.2],
  [["claude-sonnet-4-6", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"], 3, 15, 3.75, 6, 0.3],
  [["claude-haiku-5-5"], 0.1, 0.5, 0.125, 0.2, 0.01],
  [["claude-haiku-4-5", "claude-haiku-4-5-20251001"], 1, 5, 1.25, 2, 0.1],
];
const table = published.flatMap(([models, input, output, write5m, write1h, read]) =>
  models.map((model) => ({ model, prices: { input, output, write5m, write1h, read } })),
);

describe("the price table", () => {
  it.each(table)("has the published prices of $model, and half of them in a batch", ({ model, prices }) => {
    for (const [kind, price] of Object.entries(prices)) {
      const isKind = (name: string): name is keyof typeof kinds => name in kinds;
      if (!isKind(kind) || price === undefined) throw new Error(`${model} has no price for ${kind}`);
      // A thousand tokens, to stay below the prompt length from which Haiku 5.5 costs more.
      expect(dollars(microPrice(model, kind, "standard")), kind).toBeCloseTo(price / 1_000, 12);
      expect(dollars(microPrice(model, kind, "batch")), kind).toBeCloseTo(price / 2_000, 12);
    }
  });

  it("makes a batch cache write of Haiku 5.5 62,500 pico-dollars a token", () => {
    const usage = aUsage({ cacheWrite: 1, cacheWrite5m: 1 });
    expect(costOf({ model: "claude-haiku-5-5", tier: "batch", usage })).toEqual({ known: true, picoUsd: 62_500n });
  });
});

describe("a prompt of more than 100,000 tokens", () => {
  const model = "claude-haiku-5-5";
  const cost = (usage: Partial<Usage>) => costOf({ model, tier: "batch", usage: aUsage(usage) });

  it("costs Haiku 5.5 five times as much from its first token on, answer included", () => {
    expect(cost({ input: 100_000, output: 10 })).toEqual({ known: true, picoUsd: 100_000n * 50_000n + 10n * 250_000n });
    expect(cost({ input: 100_001, output: 10 })).toEqual({
      known: true,
      picoUsd: 100_001n * 250_000n + 10n * 1_250_000n,
    });
  });

  it("is as long with its cached tokens, read and written", () => {
    const cached = { cacheRead: 99_000, cacheWrite: 1_000, cacheWrite5m: 600, cacheWrite1h: 400 };
    expect(cost({ ...cached })).toEqual({
      known: true,
      picoUsd: 99_000n * 5_000n + 600n * 62_500n + 400n * 100_000n,
    });
    expect(cost({ ...cached, input: 1 })).toEqual({
      known: true,
      picoUsd: 250_000n + 99_000n * 25_000n + 600n * 312_500n + 400n * 500_000n,
    });
  });

  it("does not count its answer as prompt, and costs other models no more", () => {
    expect(cost({ output: 200_000 })).toEqual({ known: true, picoUsd: 200_000n * 250_000n });
    const other = costOf({ model: "claude-haiku-4-5", tier: "batch", usage: aUsage({ input: 200_000 }) });
    expect(other).toEqual({ known: true, picoUsd: 200_000n * 500_000n });
  });
});

describe("the place of inference", () => {
  const usage = aUsage({ input: 1, output: 1, cacheRead: 1, cacheWrite: 2, cacheWrite5m: 1, cacheWrite1h: 1 });

  it("in the US costs 1.1 times as much, of every kind of token", () => {
    const anywhere = costOf({ model: "claude-sonnet-5-5", tier: "batch", usage });
    const us = costOf({ model: "claude-sonnet-5-5", tier: "batch", usage, inferenceGeo: "us" });
    expect(anywhere).toEqual({ known: true, picoUsd: 1_000_000n + 5_000_000n + 50_000n + 1_250_000n + 2_000_000n });
    expect(us).toEqual({ known: true, picoUsd: 1_100_000n + 5_500_000n + 55_000n + 1_375_000n + 2_200_000n });
  });

  it("anywhere else costs the plain price", () => {
    const anywhere = costOf({ model: "claude-sonnet-5-5", tier: "batch", usage });
    expect(costOf({ model: "claude-sonnet-5-5", tier: "batch", usage, inferenceGeo: "global" })).toEqual(anywhere);
  });

  it("has no price where it is not offered", () => {
    const cost = costOf({ model: "claude-haiku-4-5", tier: "batch", usage, inferenceGeo: "us" });
    expect(cost).toEqual({ known: false, why: "no US price for model claude-haiku-4-5" });
  });
});

describe("a search of the web", () => {
  it("costs a cent besides its tokens, in a batch as in real time", () => {
    const usage = aUsage({ input: 1, webSearches: 3 });
    const inTier = (tier: Tier) => costOf({ model: "claude-haiku-4-5", tier, usage });
    expect(inTier("standard")).toEqual({ known: true, picoUsd: 1_000_000n + 30_000_000_000n });
    expect(inTier("batch")).toEqual({ known: true, picoUsd: 500_000n + 30_000_000_000n });
  });
});

describe("what has no price", () => {
  it("is said with its reason, such as a tier without a published one", () => {
    const priced = { model: "claude-haiku-4-5", usage: aUsage({ input: 1 }) };
    const noTier = { known: false, why: "no price for this service tier" };
    expect(costOf({ ...priced, tier: "other" })).toEqual(noTier);
    const unpriced = "no price for code_execution_requests";
    expect(costOf({ ...priced, tier: "batch", unpriced })).toEqual({ known: false, why: unpriced });
  });

  it("is a kind of token whose figure is not known, but only where there are such tokens", () => {
    const models = new Map([["claude-next", { usdPerMTok: { input: 1, output: 5 }, usInference: false }]]);
    const cost = (usage: Partial<Usage>) =>
      priceBy({ model: "claude-next", tier: "batch", usage: aUsage(usage) }, { models, webSearchUsd: 0 });
    expect(cost({ input: 2 })).toEqual({ known: true, picoUsd: 1_000_000n });
    expect(cost({ input: 2, cacheRead: 1 })).toEqual({
      known: false,
      why: "no price for cacheRead of model claude-next",
    });
  });
});

describe("a model without a price", () => {
  it.each(["claude-unheard-of-9", "", "constructor", "toString", "__proto__", "claude-haiku-4-5-2025"])(
    "costs a missing amount, not 0: %j",
    (model) => {
      expect(costOf({ model, tier: "batch", usage: aUsage({ input: 1 }) })).toEqual({
        known: false,
        why: `no price for model ${model}`,
      });
    },
  );
});

const tokens = fc.integer({ min: 0, max: 2_000_000 });
const someUsage = fc
  .record({ input: tokens, output: tokens, cacheRead: tokens, cacheWrite5m: tokens, cacheWrite1h: tokens })
  .map((usage) => aUsage({ ...usage, cacheWrite: usage.cacheWrite5m + usage.cacheWrite1h }));
const someModel = fc.constantFrom(...table.map(({ model }) => model)).filter((model) => model !== "claude-haiku-5-5");

function known(cost: Cost): bigint {
  if (!cost.known) throw new Error(cost.why);
  return cost.picoUsd;
}

describe("the arithmetic", () => {
  it("is exact: two results cost what their tokens cost together", () => {
    fc.assert(
      fc.property(someModel, someUsage, someUsage, fc.constantFrom<Tier>("batch", "standard"), (model, a, b, tier) => {
        const both = aUsage({
          input: a.input + b.input,
          output: a.output + b.output,
          cacheRead: a.cacheRead + b.cacheRead,
          cacheWrite: a.cacheWrite + b.cacheWrite,
          cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
          cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
        });
        const apart = known(costOf({ model, tier, usage: a })) + known(costOf({ model, tier, usage: b }));
        expect(known(costOf({ model, tier, usage: both }))).toBe(apart);
      }),
    );
  });

  it("makes a batch exactly half of real time, for every model and usage", () => {
    fc.assert(
      fc.property(fc.constantFrom(...table), someUsage, ({ model }, usage) => {
        const batch = known(costOf({ model, tier: "batch", usage }));
        expect(batch * 2n).toBe(known(costOf({ model, tier: "standard", usage })));
      }),
    );
  });

  it("makes the US exactly eleven tenths, where it is offered", () => {
    fc.assert(
      fc.property(someModel, someUsage, fc.constantFrom<Tier>("batch", "standard"), (model, usage, tier) => {
        const us = costOf({ model, tier, usage, inferenceGeo: "us" });
        if (us.known) expect(us.picoUsd * 10n).toBe(known(costOf({ model, tier, usage })) * 11n);
      }),
    );
  });
});
