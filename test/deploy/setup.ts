import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startStandIn } from "../../infra/local/anthropic/http.ts";
import { startEmulator } from "./emulator.ts";
import { installEmulator } from "./install.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import { runFolder, say } from "./place.ts";
import { type Outputs, stackIn } from "./stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    deployed: {
      awsUrl: string;
      standInUrl: string;
      outputs: Outputs;
      /** What the account had before the stack was there. */
      before: Inventory;
    };
  }
}

/** The only key that the stand-in takes: an answer shows that the functions found it in its secret. */
export const apiKey = "sk-ant-of-the-deployment";

/** An emulator of AWS, a stand-in for Anthropic, and the stack deployed there; all of it gone when the tests are over. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const python = await installEmulator();
  rmSync(runFolder, { recursive: true, force: true });
  mkdirSync(runFolder, { recursive: true });
  // The emulator runs scripts of its own from here, which are no ES modules, as our package says of all below it.
  writeFileSync(join(runFolder, "package.json"), "{}");
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const standIn = await startStandIn({
      keys: new Map([[apiKey, "wrkspc_deployed"]]),
      batchSeconds: { min: 1, max: 2 },
    });
    stops.push(standIn.close);
    say("starts the emulator");
    const aws = await startEmulator(python);
    stops.push(aws.close);
    const stack = stackIn(aws.url, "prod");
    await stack.synth(standIn.url);
    await stack.bootstrap();
    const before = await takeInventory(aws.url);
    const outputs = await stack.deploy();
    project.provide("deployed", { awsUrl: aws.url, standInUrl: standIn.url, outputs, before });
  } catch (error) {
    await stop();
    throw error;
  }
  return async () => {
    await stop();
    const hasFailed = project.vitest.state.getFailedFilepaths().length > 0;
    if (hasFailed) say(`the logs are in ${runFolder}`);
    else rmSync(runFolder, { recursive: true, force: true });
  };
}
