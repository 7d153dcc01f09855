import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DemoError } from "./demo-api.ts";
import type { LocalSettings } from "./settings.ts";
import { keptToken } from "./token.ts";

/** The system the demo talks to. */
export interface DemoSystem {
  url: string;
  token: string;
  isOurs: boolean;
  /** Aborted, with the reason, when a system of ours ends by itself. */
  failed: AbortSignal;
  /** Stops it if the demo started it; the other kind is left alone. */
  stop(): Promise<void>;
}

export type Occupant = "offpeak" | "nobody" | "somebody";

const readyWithinMs = 60_000;
/** A create call or a real-time call under way may take minutes; after this long it is left to the next start. */
const endsWithinMs = 20_000;
const probeWithinMs = 3_000;
const lastLines = 8;
const maxRememberedCharacters = 10_000;

/** A running system that takes our token, or one started for the demo. */
export async function findOrStart(
  settings: LocalSettings,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<DemoSystem> {
  const { port, home } = settings;
  const token = settings.token ?? keptToken(home);
  const url = `http://127.0.0.1:${port}`;
  const occupant = port === 0 ? "nobody" : await probe(url, token);
  if (occupant === "offpeak" && token !== undefined) {
    say(`Using the system that runs at ${url}.`);
    return { url, token, isOurs: false, failed: new AbortController().signal, stop: async () => {} };
  }
  if (occupant !== "nobody") say(`Port ${port} is taken by something else, so a free one is used.`);
  say(`Starting a system, with its data in ${home} …`);
  return startSystem(settings, occupant === "nobody" ? port : 0, signal);
}

/** Who listens there: a system that takes this token, nobody, or somebody else. */
export async function probe(url: string, token: string | undefined): Promise<Occupant> {
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(probeWithinMs);
    const response = await fetch(`${url}/api/sessions?limit=1`, { headers, signal });
    const text = await response.text();
    return response.status === 200 && text.startsWith('{"sessions":[') ? "offpeak" : "somebody";
  } catch (error) {
    return isRefused(error) ? "nobody" : "somebody";
  }
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

/** Its own session, so that Ctrl-C ends the demo first, and the demo ends it; its input is the leash. */
async function startSystem(settings: LocalSettings, port: number, signal: AbortSignal): Promise<DemoSystem> {
  signal.throwIfAborted();
  const leash = new URL("demo-leash.ts", import.meta.url);
  const child = spawn(process.execPath, ["--import", leash.href, fileURLToPath(new URL("main.ts", import.meta.url))], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => end(child);
  const failed = new AbortController();
  try {
    const url = await untilReady(child, failed, signal);
    const token = settings.token ?? keptToken(settings.home);
    if (token === undefined) throw new DemoError("The system left no token to call it with.");
    return { url, token, isOurs: true, failed: failed.signal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @returns its address; whatever ends it, before or after, aborts `failed` */
function untilReady(child: ChildProcess, failed: AbortController, signal: AbortSignal): Promise<string> {
  const ready = Promise.withResolvers<string>();
  let output = "";
  const fail = (what: string) => failed.abort(new DemoError(`The system ${what}. ${lastWords(output)}`));
  const read = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-maxRememberedCharacters);
    const [, url] = /^ready (http:\S+)$/m.exec(output) ?? [];
    if (url !== undefined) ready.resolve(url);
  };
  child.stdout?.on("data", read);
  child.stderr?.on("data", read);
  child.once("error", ({ message }) => fail(`cannot be started: ${message}`));
  child.once("exit", () => fail("ended by itself"));
  const late = setTimeout(() => fail("was not ready in time"), readyWithinMs);
  const over = AbortSignal.any([failed.signal, signal]);
  over.addEventListener("abort", () => ready.reject(over.reason));
  return ready.promise.finally(() => clearTimeout(late));
}

/** What it said at the end, and the way out of the most likely reason. */
function lastWords(output: string): string {
  const words = output.trim().split("\n").slice(-lastLines).join("\n");
  const hint = words.includes("is in use by")
    ? "\nTo use the system that runs there, set PORT to its port (and OFFPEAK_TOKEN to its token, if it was given one)."
    : "";
  return `Its last words:\n${words}${hint}`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  // What it holds survives a kill: it goes on from there at its next start.
  const late = setTimeout(() => child.kill("SIGKILL"), endsWithinMs);
  await ended;
  clearTimeout(late);
}
