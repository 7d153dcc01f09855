import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addUsage, noUsage, parseUsage, promptTokens } from "../../../functions/domain/usage.ts";

describe("the usage of an answer", () => {
  it("is read in our words, writes split by their time to live", () => {
    const usage = parseUsage({
      input_tokens: 10,
      output_tokens: 20,
      cache_read_input_tokens: 30,
      cache_creation_input_tokens: 100,
      cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: "batch",
      inference_geo: "us",
      output_tokens_details: { thinking_tokens: 5 },
    });
    expect(usage).toEqual({
      input: 10,
      output: 20,
      cacheRead: 30,
      cacheWrite: 100,
      cacheWrite5m: 60,
      cacheWrite1h: 40,
      webSearches: 2,
    });
  });

  it("takes null and absent fields for 0", () => {
    const usage = parseUsage({
      input_tokens: 10,
      output_tokens: null,
      cache_read_input_tokens: null,
      cache_creation_input_tokens: null,
      cache_creation: null,
      service_tier: null,
    });
    expect(usage).toEqual({ ...noUsage, input: 10 });
    expect(parseUsage({ output_tokens: 3 })).toEqual({ ...noUsage, output: 3 });
  });

  it("takes writes without a split for 5 minutes, the default of the API", () => {
    const usage = parseUsage({ input_tokens: 1, cache_creation_input_tokens: 100 });
    expect(usage).toMatchObject({ cacheWrite: 100, cacheWrite5m: 100, cacheWrite1h: 0 });
  });

  it("believes the split where the sum is absent", () => {
    const split = { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 };
    expect(parseUsage({ input_tokens: 1, cache_creation: split })).toMatchObject({ cacheWrite: 100, cacheWrite5m: 60 });
  });

  it.each([
    ["absent", undefined],
    ["null", null],
    ["text", "many"],
    ["without a single figure", {}],
    ["only nulls", { input_tokens: null, output_tokens: null }],
    ["negative", { input_tokens: -1 }],
    ["a fraction", { input_tokens: 1.5 }],
    ["beyond every number", { input_tokens: Number.POSITIVE_INFINITY }],
    ["a figure in quotes", { input_tokens: "10" }],
  ])("that is %s is no usage, so that its cost is missing and not 0", (_, input) => {
    expect(parseUsage(input)).toBeUndefined();
  });

  it("adds up kind by kind, and its prompt is all that was read, cached or not", () => {
    const one = { input: 1, output: 2, cacheRead: 3, cacheWrite: 9, cacheWrite5m: 4, cacheWrite1h: 5, webSearches: 6 };
    expect(addUsage(one, one)).toEqual({
      input: 2,
      output: 4,
      cacheRead: 6,
      cacheWrite: 18,
      cacheWrite5m: 8,
      cacheWrite1h: 10,
      webSearches: 12,
    });
    expect(promptTokens(one)).toBe(13);
  });

  it("never throws, and its writes are always the sum of the two", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        const usage = parseUsage(any);
        if (usage !== undefined) expect(usage.cacheWrite5m + usage.cacheWrite1h).toBe(usage.cacheWrite);
      }),
    );
  });
});
