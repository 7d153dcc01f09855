import { describe, expect, it } from "vitest";
import { maxRetrySeconds } from "../../../functions/domain/limits.ts";
import { retryDelayMs } from "../../../functions/domain/retry.ts";

const longest = () => 1;

describe("the pause before another attempt", () => {
  it.each([
    [1, 30],
    [2, 60],
    [3, 120],
    [7, 1_920],
    [8, maxRetrySeconds],
    [1_000, maxRetrySeconds],
  ])("after %i attempts is at most %i s: it doubles, up to an hour", (attempt, seconds) => {
    expect(retryDelayMs(attempt, 30, longest)).toBe(seconds * 1_000);
  });

  it("may be anything down to nothing, so that what failed together does not come back together", () => {
    expect(retryDelayMs(3, 30, () => 0)).toBe(0);
    expect(retryDelayMs(3, 30, () => 0.5)).toBe(60_000);
  });

  it("is whole milliseconds", () => {
    expect(Number.isInteger(retryDelayMs(2, 0.33, () => 0.123_456))).toBe(true);
  });
});
