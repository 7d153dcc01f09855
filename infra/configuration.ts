import { readFileSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { type Config, parseConfig } from "../functions/domain/config/index.ts";

/** A file that travels with the functions: its path below the folder of `offpeak.json`, and what stands in it. */
export interface ConfigFile {
  path: string;
  text: string;
}

export interface Configuration {
  config: Config;
  /** `offpeak.json` and every system file it names. */
  files: readonly ConfigFile[];
}

export type LoadedConfiguration =
  | { ok: true; configuration: Configuration; warnings: readonly string[] }
  | { ok: false; problems: readonly string[]; warnings: readonly string[] };

/** The name under which the functions find the configuration, whatever the deployer's file is called. */
export const configFileName = "offpeak.json";

/** Reads and checks the user's configuration. What was checked is what is deployed: the texts are kept, not read again. */
export function loadConfiguration(path: string): LoadedConfiguration {
  const text = readIfThere(path);
  if (text === undefined) return { ok: false, problems: [`${path}: cannot be read`], warnings: [] };
  const folder = dirname(resolve(path));
  const systemFiles = new Map<string, string>();
  const parsed = parseConfig(text, (file) => {
    const content = readIfThere(resolve(folder, file));
    if (content !== undefined) systemFiles.set(file, content);
    return content;
  });
  if (!parsed.ok) return parsed;
  const outside = [...systemFiles.keys()].filter((file) => !isBelow(folder, file));
  const { config, warnings } = parsed;
  if (outside.length > 0) return { ok: false, problems: outside.map(describeOutside), warnings };
  const files = [
    { path: configFileName, text },
    ...[...systemFiles].map(([file, content]) => ({ path: file, text: content })),
  ];
  return { ok: true, configuration: { config, files }, warnings };
}

/** The functions find a system file by the same relative path, which must not lead out of their own folder. */
function isBelow(folder: string, file: string): boolean {
  const path = relative(folder, resolve(folder, file));
  return !isAbsolute(file) && path !== ".." && !path.startsWith(`..${sep}`);
}

function describeOutside(file: string): string {
  return `systemFile ${file}: lies outside the folder of the configuration, so it cannot be deployed with it`;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
