import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { boundMs } from "./user.ts";

/** Where CI wants the counts, besides what is printed. */
const report = process.env["OFFPEAK_TEST_REPORT"];
const inFolder = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  test: {
    root: inFolder("../.."),
    include: ["test/deploy/*.test.ts"],
    globalSetup: [inFolder("setup.ts")],
    testTimeout: boundMs * 1.25,
    hookTimeout: boundMs,
    reporters: report === undefined ? ["verbose"] : ["verbose", ["json", { outputFile: report }]],
  },
});
