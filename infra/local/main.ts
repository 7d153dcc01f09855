import { mkdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseConfig } from "../../functions/domain/config/index.ts";
import { HomeInUseError } from "./home.ts";
import { readSettings } from "./settings.ts";
import { MissingSecretError, startSystem } from "./system.ts";

/** `npm start`: the whole system on one machine. */
async function main(): Promise<void> {
  const read = readSettings(process.env);
  if (!read.ok) return refuse("environment", read.problems);
  const { settings } = read;
  const text = readIfThere(settings.configPath);
  if (text === undefined) return refuse(settings.configPath, ["cannot be read"]);
  const parsed = parseConfig(text, (path) => readIfThere(resolve(dirname(settings.configPath), path)));
  for (const warning of parsed.warnings) process.stderr.write(`warning: ${warning}\n`);
  if (!parsed.ok) return refuse(settings.configPath, parsed.problems);
  mkdirSync(settings.home, { recursive: true, mode: 0o700 });
  const system = await startSystem(settings, parsed.config);
  let isStopping = false;
  const stop = (signal: string) => {
    // A second signal does not wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    system.say(`${signal}: finishing what is under way`);
    void system.stop().then(() => process.exit(0));
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
  system.failed.catch((error: unknown) => refuse("a part of the local AWS ended", [String(error)]));
}

function refuse(what: string, problems: readonly string[]): never {
  process.stderr.write(`${what}:\n${problems.map((problem) => `  ${problem}\n`).join("")}`);
  process.exit(1);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

main().catch((error: unknown) => {
  if (!(error instanceof Error)) return refuse("npm start", [String(error)]);
  if ("code" in error && error.code === "EADDRINUSE") {
    return refuse("npm start", [`${error.message}: set PORT to another port, or to 0 for any`]);
  }
  if (error instanceof MissingSecretError) return refuse("environment", error.message.split("\n"));
  refuse("npm start", [error instanceof HomeInUseError ? error.message : (error.stack ?? error.message)]);
});
