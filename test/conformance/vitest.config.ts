import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Where CI wants the counts, besides what is printed. */
const report = process.env["OFFPEAK_TEST_REPORT"];
const inFolder = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The contract of the table, and whole nights, over AWS's own DynamoDB Local instead of the embedded database. */
export default defineConfig({
  test: {
    root: inFolder("../.."),
    include: ["test/functions/clients/{table,grouped-table}.test.ts", "test/conformance/*.test.ts"],
    globalSetup: [inFolder("setup.ts")],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
  },
});
