import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTerms } from "../../../functions/domain/billing-terms.ts";

const usage = { input_tokens: 1, output_tokens: 1 };

describe("the terms a result is billed by", () => {
  it("are the tier and the place that it says itself", () => {
    expect(parseTerms({ ...usage, service_tier: "batch", inference_geo: "us" })).toEqual({
      tier: "batch",
      inferenceGeo: "us",
    });
    expect(parseTerms({ ...usage, service_tier: "standard" })).toEqual({ tier: "standard" });
  });

  it("are left open where it does not say", () => {
    expect(parseTerms({ ...usage, service_tier: null, inference_geo: null, speed: null })).toEqual({});
    expect(parseTerms(usage)).toEqual({});
  });

  it.each(["priority", "flex", 7])("are those of a tier without a price: %j", (service_tier) => {
    expect(parseTerms({ ...usage, service_tier })).toEqual({ tier: "other" });
  });

  it("allow for tools whose uses are counted, or cost nothing", () => {
    expect(parseTerms({ ...usage, server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 } })).toEqual({});
    expect(parseTerms({ ...usage, server_tool_use: { code_execution_requests: 0, other: null } })).toEqual({});
    expect(parseTerms({ ...usage, iterations: [{ type: "message", input_tokens: 1 }] })).toEqual({});
  });

  it.each([
    [{ server_tool_use: { code_execution_requests: 1 } }, "no price for code_execution_requests"],
    [{ speed: "fast" }, "no price for this speed"],
    [{ iterations: [{ type: "message" }, { type: "compaction" }] }, "no price for usage.iterations"],
    [{ iterations: [null] }, "no price for usage.iterations"],
    [{ iterations: 3 }, "usage in a form that is not known here"],
  ])("say that %j has no price, instead of leaving it out of one", (part, unpriced) => {
    expect(parseTerms({ ...usage, ...part })).toEqual({ unpriced });
  });

  it("are read out of anything without an exception", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        expect(typeof parseTerms(any)).toBe("object");
      }),
    );
  });
});
