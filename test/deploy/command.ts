import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { root } from "./place.ts";

export interface Command {
  words: readonly [string, ...string[]];
  environment: Record<string, string>;
  /** Where everything that it prints goes. */
  log: string;
  boundSeconds: number;
}

/** What an error shows of a log; all of it is in the file. */
const shownLines = 25;

/** Runs a command to its end. @throws Error with the end of its log, when it fails or takes longer than its bound */
export async function run({ words, environment, log, boundSeconds }: Command): Promise<void> {
  const file = openSync(log, "w");
  const [program, ...rest] = words;
  // A group of its own, so that what it started ends with it.
  const child = spawn(program, rest, { cwd: root, env: environment, stdio: ["ignore", file, file], detached: true });
  const endGroup = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  process.once("exit", endGroup);
  const bound = setTimeout(endGroup, boundSeconds * 1000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    if (code === 0) return;
    const why = code === null ? `was ended, after ${boundSeconds} s at most` : `ended with ${code}`;
    const end = readFileSync(log, "utf8").trimEnd().split("\n").slice(-shownLines).join("\n");
    throw new Error(`${basename(program)} ${rest.slice(0, 3).join(" ")} ${why}; the end of ${log}:\n${end}`);
  } finally {
    clearTimeout(bound);
    process.off("exit", endGroup);
    closeSync(file);
  }
}
