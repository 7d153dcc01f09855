import { App } from "aws-cdk-lib";
import { loadConfiguration } from "./configuration.ts";
import { parseSettings } from "./settings.ts";
import { nameFor, OffpeakStack } from "./stack.ts";

/** What `cdk` runs. Problems of the settings and of the configuration end it, a line each, before any construct exists. */
function main(): void {
  const app = new App();
  const settings = parseSettings((name) => app.node.tryGetContext(name));
  const loaded = loadConfiguration(process.env["OFFPEAK_CONFIG"] ?? "offpeak.json");
  const problems = [...(settings.ok ? [] : settings.problems), ...(loaded.ok ? [] : loaded.problems)];
  for (const line of [...loaded.warnings, ...problems]) process.stderr.write(`${line}\n`);
  if (!settings.ok || !loaded.ok) {
    process.exitCode = 1;
    return;
  }
  new OffpeakStack(app, nameFor("Offpeak", settings.settings), {
    settings: settings.settings,
    configuration: loaded.configuration,
  });
  app.synth();
}

main();
