import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "./support.ts";

/** Runs what `cdk synth` runs, with the given context. */
function runApp(config: string, context: Record<string, unknown> = {}) {
  const OFFPEAK_CONFIG = join(folderWith({ "offpeak.json": config }), "offpeak.json");
  const env = { ...process.env, OFFPEAK_CONFIG, CDK_CONTEXT_JSON: JSON.stringify(context) };
  return spawnSync(process.execPath, ["infra/app.ts"], { env, encoding: "utf8" });
}

describe("a synthesis", () => {
  it("ends with the problems of the settings and of the configuration, and no stack trace", () => {
    const { status, stderr } = runApp('{"agents": {"list": [{"id": "Not An Id"}]}}', { stage: "test" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^stage: must be prod or dev$/m);
    expect(stderr).toMatch(/^agents\.list\[0\]\.id: /m);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
