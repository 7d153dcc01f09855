import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Config, parseConfig } from "../domain/config/index.ts";

/**
 * The user's configuration, with the system prompts it names; checked before it was deployed, and once more here.
 * @throws Error with every problem, a line each
 */
export function readConfigFile(path: string): Config {
  const parsed = parseConfig(readFileSync(path, "utf8"), (file) => readIfThere(resolve(dirname(path), file)));
  if (!parsed.ok) throw new Error(`${path}:\n${parsed.problems.join("\n")}`);
  return parsed.config;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
