import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { adaptTemplates } from "./adapt.ts";
import { run } from "./command.ts";
import { account, environmentOf, region, root, runFolder, say } from "./place.ts";

export type Stage = "prod" | "dev";
export type Outputs = Record<string, string>;

const configuration = fileURLToPath(new URL("offpeak.json", import.meta.url));
const cdkBoundSeconds = 240;

/** The stack of `infra/app.ts` as a user deploys it, with the configuration beside this file, in the emulator's account. */
export function stackIn(endpoint: string, stage: Stage) {
  const assembly = join(runFolder, `cdk.out-${stage}`);
  mkdirSync(assembly, { recursive: true });
  const cdk = (name: string, ...words: string[]) => {
    say(`cdk ${name} (${stage})`);
    return run({
      words: [process.execPath, join(root, "node_modules/aws-cdk/bin/cdk"), name, ...words],
      environment: { ...environmentOf(endpoint), OFFPEAK_CONFIG: configuration },
      log: join(runFolder, `cdk-${name}-${stage}.log`),
      boundSeconds: cdkBoundSeconds,
    });
  };
  return {
    async synth(anthropicUrl: string): Promise<void> {
      await cdk("synth", "--quiet", "-c", `stage=${stage}`, "--output", assembly);
      for (const change of adaptTemplates(assembly, anthropicUrl)) say(change);
    },
    bootstrap: () => cdk("bootstrap", `aws://${account}/${region}`, "--app", assembly),
    async deploy(): Promise<Outputs> {
      const file = join(runFolder, `outputs-${stage}.json`);
      await cdk("deploy", "--app", assembly, "--require-approval", "never", "--outputs-file", file);
      const outputs: Record<string, Outputs> = JSON.parse(readFileSync(file, "utf8"));
      return Object.values(outputs)[0] ?? {};
    },
    destroy: () => cdk("destroy", "--app", assembly, "--force"),
  };
}
