import { describe, expect, it } from "vitest";
import { fromUsd, toUsd } from "../../../functions/domain/picos.ts";

describe("pico-dollars", () => {
  it("become dollars at the end", () => {
    expect(toUsd(62_500n)).toBe(6.25e-8);
    expect(toUsd(1_500_000_000_000n)).toBe(1.5);
  });

  it("come from dollars as they are written", () => {
    expect(fromUsd(0.01)).toBe(10_000_000_000n);
    expect(fromUsd(0.1 + 0.2)).toBe(300_000_000_000n);
  });
});
