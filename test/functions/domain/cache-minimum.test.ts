import { describe, expect, it } from "vitest";
import { estimatedTokens, minCacheTokens } from "../../../functions/domain/cache-minimum.ts";
import { allModels } from "../../../infra/local/anthropic/models.ts";

describe("the least that a model caches", () => {
  it("is what the stand-in holds it to, for every model", () => {
    const known = allModels().map(({ id, minCacheTokens: least }) => [id, least]);
    expect(known.map(([id]) => [id, minCacheTokens(String(id))])).toEqual(known);
  });

  it("is the same for an alias without a date", () => {
    expect(minCacheTokens("claude-haiku-4-5")).toBe(minCacheTokens("claude-haiku-4-5-20251001"));
  });

  it("is nothing for a model that is not known, whatever objects inherit", () => {
    for (const model of ["claude-tomorrow", "constructor"]) expect(minCacheTokens(model)).toBe(0);
  });
});

describe("the tokens of a text", () => {
  it("are a quarter of its characters, and a third since 4.7", () => {
    expect(estimatedTokens(12_000, "claude-haiku-4-5")).toBe(3_000);
    expect(estimatedTokens(12_000, "claude-sonnet-4-6")).toBe(3_000);
    expect(estimatedTokens(12_000, "claude-opus-4-7")).toBe(4_000);
    expect(estimatedTokens(12_001, "claude-haiku-5-5")).toBe(4_001);
  });
});
