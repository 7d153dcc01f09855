import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { fromUsd, picoText, toUsd, usdText } from "../../../functions/domain/picos.ts";

describe("pico-dollars", () => {
  it("become dollars at the end", () => {
    expect(toUsd(62_500n)).toBe(6.25e-8);
    expect(toUsd(1_500_000_000_000n)).toBe(1.5);
  });

  it.each([
    [0n, "0"],
    [62_500n, "0.0000000625"],
    [1_500_000_000_000n, "1.5"],
    [123_456_789_000_000_000_001n, "123456789.000000000001"],
    [-250_000_000_000n, "-0.25"],
  ])("are written as dollars, exactly: %s", (picos, text) => {
    expect(usdText(picos)).toBe(text);
  });

  it("come back from text, and from nothing else", () => {
    expect(v.parse(picoText, "9007199254740993")).toBe(9_007_199_254_740_993n);
    expect(["", "1.5", "1e9", "0x1", " 1"].filter((text) => v.is(picoText, text))).toEqual([]);
  });

  it("come from dollars as they are written", () => {
    expect(fromUsd(0.01)).toBe(10_000_000_000n);
    expect(fromUsd(0.1 + 0.2)).toBe(300_000_000_000n);
  });
});
