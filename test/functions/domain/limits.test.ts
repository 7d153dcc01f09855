import { describe, expect, it } from "vitest";
import * as limits from "../../../functions/domain/limits.ts";

const daySeconds = 24 * 3_600;

describe("the limits", () => {
  it("are whole numbers above 0, every one", () => {
    for (const [name, limit] of Object.entries(limits)) {
      expect(Number.isSafeInteger(limit), name).toBe(true);
      expect(limit, name).toBeGreaterThan(0);
    }
  });

  it("stay within what Anthropic takes: 100,000 requests or 256 MB a batch", () => {
    expect(limits.anthropicBatchRequests).toBeLessThanOrEqual(100_000);
    expect(limits.anthropicBatchBytes).toBeLessThan(256_000_000);
  });

  it("know how long a batch and its results live: 24 hours and 29 days", () => {
    expect(limits.batchLifeSeconds).toBe(daySeconds);
    expect(limits.resultsLifeSeconds).toBe(29 * daySeconds);
    expect(limits.maxTimeoutSeconds).toBeGreaterThan(limits.resultsLifeSeconds);
  });

  it("stay within what AWS takes in a call or an item", () => {
    expect(limits.eventsPerCall).toBeLessThanOrEqual(10);
    expect(limits.messagesPerCall).toBeLessThanOrEqual(10);
    expect(limits.maxInlineBytes).toBeLessThan(400 * 1024);
    expect(limits.membersPerPage * 40).toBeLessThan(400 * 1024);
  });

  it("let no lease end before the call that it covers", () => {
    expect(limits.realtimeLeaseSeconds).toBeGreaterThanOrEqual(limits.realtimeCallSeconds + limits.clockSkewSeconds);
  });

  it("leave a fallback time, even where clocks differ", () => {
    expect(limits.fallbackLeadSeconds).toBeGreaterThan(limits.clockSkewSeconds);
  });

  it("never let a pause grow for ever", () => {
    expect(limits.defaultParkSeconds).toBeLessThanOrEqual(limits.maxParkSeconds);
    expect(limits.defaultPageSize).toBeLessThanOrEqual(limits.maxPageSize);
    expect(limits.maxPageSize).toBeLessThanOrEqual(limits.maxListExamined);
  });
});
