import { describe, expect, it } from "vitest";
import { logCodes, metricNames } from "../../../functions/domain/log.ts";

describe("what is logged", () => {
  it("has codes of its own, each once, in one form", () => {
    expect(new Set(logCodes).size).toBe(logCodes.length);
    for (const code of logCodes) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });

  it("has figures whose names end in their unit, or are counts", () => {
    for (const [name, unit] of Object.entries(metricNames))
      expect(unit, name).toBe(name.endsWith("Seconds") ? "Seconds" : "Count");
  });
});
