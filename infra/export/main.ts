import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { apiReader } from "./api.ts";
import { readArguments, usage } from "./arguments.ts";
import { exportSessions } from "./export.ts";

/** `npm run export`: sessions as JSON lines, through the HTTP API. */
async function main(): Promise<void> {
  const parsed = readArguments(process.argv.slice(2), process.env, new Date());
  if (!parsed.ok) return fail(`${parsed.problem}\n${usage}`);
  const { settings } = parsed;
  // A file of that name is always whole.
  const part = settings.out === undefined ? undefined : `${settings.out}.part`;
  const stream = part === undefined ? process.stdout : createWriteStream(part);
  // Whoever reads what we write may have seen enough.
  stream.on("error", (error: Error) => fail(error.message));
  const write = async (line: string) => {
    if (!stream.write(line)) await once(stream, "drain");
  };
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const read = apiReader({ ...settings, fetch, sleep: (milliseconds) => sleep(milliseconds), say });
  const lines = await exportSessions(settings, { read, write, say });
  if (part !== undefined && settings.out !== undefined) {
    await new Promise<void>((resolve) => stream.end(resolve));
    await rename(part, settings.out);
  }
  say(`done: ${lines} sessions from ${settings.from} to ${settings.to}`);
}

function fail(problem: string): void {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}

main().catch((error: unknown) => fail(`incomplete: ${error instanceof Error ? error.message : String(error)}`));
