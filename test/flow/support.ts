import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const token = "a-token-for-the-tests";

/** `npm start` as a child, with a data folder of its own: what a user runs, and what a test may kill. */
export interface RunningSystem {
  url: string;
  standInUrl: string;
  output(): string;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

export function temporaryHome(): { home: string; remove(): void } {
  const home = mkdtempSync(join(tmpdir(), "offpeak-flow-"));
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) };
}

export function launch(
  home: string,
  environment: Record<string, string> = {},
): { child: ChildProcess; output(): string } {
  const env = {
    ...process.env,
    ANTHROPIC_API_KEY: "",
    PORT: "0",
    OFFPEAK_HOME: home,
    OFFPEAK_TOKEN: token,
    OFFPEAK_TICK_SECONDS: "0.2",
    OFFPEAK_RECONCILE_GRACE_SECONDS: "2",
    OFFPEAK_CREATE_TIMEOUT_SECONDS: "5",
    OFFPEAK_RETRY_SECONDS: "1",
    OFFPEAK_STAND_IN_BATCH_SECONDS: "0.2-0.6",
    ...environment,
  };
  const child = spawn(process.execPath, ["infra/local/main.ts"], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const add = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", add);
  child.stderr.on("data", add);
  return { child, output: () => output };
}

/** A start takes a second or two, and far longer on a machine that is busy with other things. */
const startBoundMs = 60_000;

export async function start(home: string, environment: Record<string, string> = {}): Promise<RunningSystem> {
  const { child, output } = launch(home, environment);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const isReady = () => {
    if (child.exitCode !== null) throw new Error(`it ended before it was ready:\n${output()}`);
    return /^ready (http:\S+)$/m.exec(output())?.[1];
  };
  const url = await waitFor(isReady, startBoundMs).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const endWith = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    standInUrl: /stand-in for Anthropic at (http:\S+)/.exec(output())?.[1] ?? "",
    output,
    kill: async () => void (await endWith("SIGKILL")),
    stop: () => endWith("SIGTERM"),
  };
}

/** Waits for a condition; the bound is only there to end a test that would never pass. */
export async function waitFor<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  boundMs = 25_000,
): Promise<T> {
  const end = Date.now() + boundMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`waited ${boundMs} ms in vain`);
    await pause(25);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
export type Json = any;

export async function call(
  url: string,
  path: string,
  init: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; body: Json }> {
  const response = await fetch(`${url}${path}`, {
    method: init.method ?? (init.body === undefined ? "GET" : "POST"),
    headers: { authorization: `Bearer ${token}`, ...init.headers },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export async function spawnSession(url: string, body: Json, idempotencyKey?: string): Promise<Json> {
  const headers = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
  const answer = await call(url, "/api/sessions/spawn", { body, headers });
  if (answer.status !== 202) throw new Error(`spawn answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const ends = ["done", "failed", "canceled", "timeout"];

/** The session, once its turn has ended and the outside was told. */
export function delivered(url: string, sessionId: string, boundMs?: number): Promise<Json> {
  return waitFor(async () => {
    const { body } = await call(url, `/api/sessions/${sessionId}`);
    return ends.includes(body.status) && body.delivery.status === "delivered" ? body : undefined;
  }, boundMs);
}

/** Lets the stand-in fail as the real API does. */
export async function setFault(system: RunningSystem, fault: Json): Promise<void> {
  const response = await fetch(`${system.standInUrl}/_stand-in/faults`, {
    method: "POST",
    body: JSON.stringify(fault),
  });
  if (!response.ok) throw new Error(`the stand-in refused the fault: ${await response.text()}`);
}

/** What Anthropic would charge for, line by line. */
export async function bill(system: RunningSystem): Promise<Json[]> {
  const response = await fetch(`${system.standInUrl}/_stand-in/bill`);
  const body: Json = await response.json();
  return Array.isArray(body) ? body : body.bill;
}
