import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of the test's own, gone when the test is. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "offpeak-test-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

/** A clock that stands still until it is moved, and ids that count. */
export function testDeps(start = Date.UTC(2026, 0, 2, 3, 4, 5)) {
  let time = start;
  let ids = 0;
  const logged: string[] = [];
  return {
    now: () => time,
    pass: (seconds: number) => {
      time += seconds * 1000;
    },
    newId: () => {
      ids += 1;
      return `id-${ids}`;
    },
    log: (line: string) => void logged.push(line),
    logged,
  };
}

export const clientOptions = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local", sessionToken: "the token of this run" },
  maxAttempts: 1,
};

/** Only a machine that is very busy needs so long; a test that waits in vain still says what it saw. */
const patienceMs = 25_000;

export async function until<T>(ask: () => T | Promise<T>, accept: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const value = await ask();
    if (accept(value)) return value;
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs} ms in vain; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The processes whose command line names this database, without the shell that watches over it. */
export function databasesOn(path: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = commandLine(pid).split("\0");
      return words.includes(path) && !words[0]?.endsWith("sh");
    })
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
