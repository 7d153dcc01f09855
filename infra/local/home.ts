import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** SQLITE_BUSY, https://sqlite.org/rescode.html#busy: another connection holds the lock. */
const sqliteBusy = 5;

export class HomeInUseError extends Error {
  override name = "HomeInUseError";
}

export type HomeLock = { release: () => void };

/**
 * Takes the data folder for this process alone, creating it if need be.
 *
 * The lock is SQLite's exclusive file lock, which the kernel drops when its holder ends, kill -9 included. So there is no
 * stale lock to judge: a process id may be used again, and two starts may judge one old lock at the same moment. The
 * process id is written beside the lock only so that a refusal can name it.
 *
 * @throws HomeInUseError when another process, or another part of this one, holds the folder.
 */
export function lockHome(home: string, pid: number = process.pid): HomeLock {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(home, "lock"), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new HomeInUseError(refusal(home), { cause: error });
    throw error;
  }
  writeFileSync(pidFile(home), `${pid}\n`);
  // The connection is released with the process, or by this call; nothing is ever written through it.
  return { release: () => database.isOpen && database.close() };
}

function refusal(home: string): string {
  return `The data folder ${home} is in use by ${holder(home)}. Stop that process first, or set OFFPEAK_HOME to another folder.`;
}

function holder(home: string): string {
  try {
    return `process ${readFileSync(pidFile(home), "utf8").trim()}`;
  } catch {
    return "a process that is just starting";
  }
}

function pidFile(home: string): string {
  return join(home, "lock.pid");
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
