import { defineConfig } from "vitest/config";

/** Where CI wants the counts, besides what is printed. */
const report = process.env["OFFPEAK_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need more than npm installs, and have configurations of their own.
    exclude: ["test/deploy/**", "test/conformance/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
  },
});
