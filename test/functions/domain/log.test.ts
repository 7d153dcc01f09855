import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logCodes, metricNames } from "../../../functions/domain/log.ts";

describe("what is logged", () => {
  it("has codes of its own, each once, in one form", () => {
    expect(new Set(logCodes).size).toBe(logCodes.length);
    for (const code of logCodes) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });

  it("has no code that nothing logs", () => {
    const sources = readdirSync("functions", { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && path !== join("domain", "log.ts"))
      .map((path) => readFileSync(join("functions", path), "utf8"))
      .join("\n");
    expect(logCodes.filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
    expect(Object.keys(metricNames).filter((name) => !sources.includes(`${name}:`))).toEqual([]);
  });

  it("has figures whose names end in their unit, in dollars, or are counts", () => {
    for (const [name, unit] of Object.entries(metricNames))
      expect(unit, name).toBe(name.endsWith("Seconds") ? "Seconds" : name.endsWith("Usd") ? "None" : "Count");
  });
});
