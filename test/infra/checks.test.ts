import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CfnGuardValidator } from "@cdklabs/cdk-validator-cfnguard";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import { describe, expect, it, onTestFinished } from "vitest";
import { acknowledge } from "../../infra/acknowledge.ts";
import { OffpeakStack } from "../../infra/stack.ts";
import { exampleConfig, exampleConfiguration, exampleFiles } from "./support.ts";

interface Violation {
  ruleName: string;
  violatingConstructs: { constructPath: string }[];
}

interface Report {
  violations?: Violation[];
  suppressedViolations?: (Violation & { acknowledgedId: string; acknowledgedAt: string; reason: string })[];
}

interface Checked {
  /** `rule at construct`, warnings as well as errors. */
  found: string[];
  acknowledged: { reason: string; at: string }[];
  /** Acknowledged ids that nothing was found of. */
  idle: string[];
  isRefused: boolean;
}

/** Synthesizes with both packs of cdk-nag, with cfn-guard, and with CDK's own check of the template. */
function check(build: (app: App) => void): Checked {
  const outdir = mkdtempSync(join(tmpdir(), "offpeak-checks-"));
  onTestFinished(() => rmSync(outdir, { recursive: true, force: true }));
  const { context } = JSON.parse(readFileSync("cdk.json", "utf8"));
  const app = new App({ outdir, context: { ...context, "aws:cdk:bundling-stacks": [] } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app), new CfnGuardValidator());
  build(app);
  const isRefused = isThrown(() => app.synth());
  const read: { pluginReports: Report[] } = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8"));
  const suppressed = read.pluginReports.flatMap(({ suppressedViolations = [] }) => suppressedViolations);
  const used = new Set(suppressed.map(({ acknowledgedId }) => acknowledgedId));
  return {
    found: read.pluginReports.flatMap(({ violations = [] }) => violations).flatMap(placesOf),
    acknowledged: suppressed.map(({ reason, acknowledgedAt }) => ({ reason, at: acknowledgedAt })),
    idle: acknowledgmentsIn(app).filter((one) => !used.has(one)),
    isRefused,
  };
}

function isThrown(synthesize: () => void): boolean {
  try {
    synthesize();
    return false;
  } catch (error) {
    if (!String(error).includes("Acknowledge with")) throw error;
    return true;
  }
}

function placesOf({ ruleName, violatingConstructs }: Violation): string[] {
  return violatingConstructs.map(({ constructPath }) => `${ruleName} at ${constructPath}`);
}

function acknowledgmentsIn(app: App): string[] {
  return app.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap(({ data }) => Object.keys(data)),
    );
}

/** Each takes some seconds, and many on a busy machine. */
const boundMs = 240_000;

describe("the stack", () => {
  it(
    "has no finding that is not acknowledged, with a reason, at either stage, with a key or a federation",
    () => {
      const { found, acknowledged, idle, isRefused } = check((app) => {
        const anthropic = { federation: { organizationId: "org", federationRuleId: "fdrl_1" } };
        const text = JSON.stringify({ ...exampleConfig, anthropic });
        const configuration = exampleConfiguration({ ...exampleFiles, "offpeak.json": text });
        new OffpeakStack(app, "Offpeak", { settings: { stage: "prod" }, configuration: exampleConfiguration() });
        new OffpeakStack(app, "Offpeak-dev", { settings: { stage: "dev" }, configuration });
      });
      expect(found).toEqual([]);
      expect(isRefused).toBe(false);
      for (const { reason } of acknowledged) expect(reason).toMatch(/^[A-Z].{30,}\.$/);
      expect(idle).toEqual([]);
    },
    boundMs,
  );
});

describe("a finding", () => {
  it(
    "that nobody acknowledged ends a synthesis, whichever of the checks it is of",
    () => {
      const { found, isRefused } = check((app) => {
        const stack = new Stack(app, "Other");
        new Queue(stack, "Endless");
        new CfnBucket(stack, "Open", { versioningConfiguration: { status: "Perhaps" } });
      });
      expect(isRefused).toBe(true);
      const rules = found.map((text) => text.split(" at ")[0]);
      for (const rule of ["AwsSolutions-S1", "Serverless-SQSRedrivePolicy", "sqs_dlq_check", "W3030"])
        expect(rules).toContain(rule);
    },
    boundMs,
  );

  it(
    "is acknowledged for its own construct alone",
    () => {
      const { found } = check((app) => {
        const stack = new Stack(app, "Other");
        new Bucket(stack, "Second");
        acknowledge(new Bucket(stack, "First"), "Nothing is in it.", ["AwsSolutions::AwsSolutions-S1"]);
      });
      expect(found.filter((text) => text.startsWith("AwsSolutions-S1 at"))).toEqual([
        "AwsSolutions-S1 at Other/Second/Resource",
      ]);
    },
    boundMs,
  );
});
