import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { onTestFinished } from "vitest";
import { type Configuration, loadConfiguration } from "../../infra/configuration.ts";
import type { Settings } from "../../infra/settings.ts";
import { OffpeakStack } from "../../infra/stack.ts";

/** A template's resource, as far as these tests look into it. */
export interface Resource {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is as deep as CloudFormation likes.
  Properties: any;
  DeletionPolicy?: string;
}

const jobs = [
  { id: "nightly", schedule: { kind: "cron", expr: "0 2 * * *" }, agentId: "worker" },
  { id: "digest", schedule: { kind: "cron", expr: "30 6 * * *", tz: "Europe/Berlin" }, agentId: "worker" },
  { id: "watch", schedule: { kind: "every", expr: "15m" }, agentId: "worker" },
].map((job) => ({ ...job, payload: { kind: "agentTurn", message: "Do it." } }));

/** One cron job of each kind, and a lane of its own with hours and a key. */
export const exampleConfig = {
  agents: { list: [{ id: "worker", systemFile: "prompts/worker.md" }] },
  cron: { jobs },
  lanes: [{ id: "night", hours: "22:00-06:00", tz: "UTC", flushEverySeconds: 600, apiKeySecret: "night-key" }],
};

export const exampleFiles: Record<string, string> = {
  "offpeak.json": JSON.stringify(exampleConfig),
  "prompts/worker.md": "You write reports.",
};

/** A folder that is gone after the test, with these files in it. */
export function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "offpeak-infra-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return writeInto(folder, files);
}

function writeInto(folder: string, files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Those files as a deployment has them. */
export function exampleConfiguration(files = exampleFiles): Configuration {
  const folder = writeInto(mkdtempSync(join(tmpdir(), "offpeak-infra-")), files);
  try {
    const loaded = loadConfiguration(join(folder, "offpeak.json"));
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    return loaded.configuration;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The stack's template, with the flags of `cdk.json`, and without building any code. */
export function synthesize(settings: Settings = { stage: "prod" }, files = exampleFiles): Template {
  const { context } = JSON.parse(readFileSync("cdk.json", "utf8"));
  const app = new App({ context: { ...context, "aws:cdk:bundling-stacks": [] } });
  return Template.fromStack(new OffpeakStack(app, "Test", { settings, configuration: exampleConfiguration(files) }));
}

/** Every resource of a type, with its logical id. */
export function resources(template: Template, type: string): [id: string, resource: Resource][] {
  return Object.entries(template.findResources(type)) as [string, Resource][];
}

/** The function of a room, with its logical id. */
export function functionOf(template: Template, room: string): [id: string, resource: Resource] {
  const isOfRoom = (id: string) => id.toLowerCase().startsWith(`${room}room`);
  const [found, ...others] = resources(template, "AWS::Lambda::Function").filter(([id]) => isOfRoom(id));
  if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} functions of ${room}`);
  return found;
}

/** What the role of a room's function allows: actions, each with the text of the resources it is for. */
export function allowedTo(template: Template, room: string): { action: string; on: string }[] {
  const role = functionOf(template, room)[1].Properties.Role["Fn::GetAtt"][0];
  return resources(template, "AWS::IAM::Policy")
    .filter(([, { Properties }]) => JSON.stringify(Properties.Roles).includes(`"${role}"`))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) => [Action].flat().map((action) => ({ action, on: JSON.stringify(Resource) })));
}
