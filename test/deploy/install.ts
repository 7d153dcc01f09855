import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./command.ts";
import { cache, say } from "./place.ts";

const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));
const environment = join(cache, "venv");
/** What was installed; written last, so that half an installation is none. */
const mark = join(environment, "installed-of");

/** Nothing but where programs and packages are found: pip has its own settings for an index and a proxy. */
const ownEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));

/** The emulator in a Python environment of its own, made once for a list of requirements. @returns its interpreter */
export async function installEmulator(): Promise<string> {
  const python = join(environment, "bin/python");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return python;
  mkdirSync(cache, { recursive: true });
  await checkPython();
  say("installs the emulator");
  rmSync(environment, { recursive: true, force: true });
  const log = join(cache, "install.log");
  const bounded = { environment: ownEnvironment(), log, boundSeconds: 300 };
  await run({ ...bounded, words: ["python3", "-m", "venv", environment] });
  const flags = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"];
  await run({ ...bounded, words: [python, "-m", "pip", "install", ...flags, "-r", requirements] });
  writeFileSync(mark, wanted);
  return python;
}

async function checkPython(): Promise<void> {
  const words = ["python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"] as const;
  try {
    await run({ words, environment: ownEnvironment(), log: join(cache, "python.log"), boundSeconds: 30 });
  } catch (cause) {
    throw new Error("npm run test:deploy needs Python 3.11 or newer, as python3, with venv", { cause });
  }
}
