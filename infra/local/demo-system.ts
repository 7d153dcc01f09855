import { type ChildProcess, spawn } from "node:child_process";
import { DemoError } from "./demo-api.ts";
import type { LocalSettings } from "./settings.ts";
import { keptToken } from "./token.ts";

/** The system the demo talks to. */
export interface DemoSystem {
  url: string;
  token: string;
  isOurs: boolean;
  /** Rejects when a system of ours ends by itself. Never resolves. */
  failed: Promise<never>;
  /** Stops it if the demo started it; the other kind is left alone. */
  stop(): Promise<void>;
}

export type Occupant = "offpeak" | "nobody" | "somebody";

const readyWithinMs = 60_000;
/** A create call or a real-time call under way may take minutes; after this long it is left to the next start. */
const endsWithinMs = 20_000;
const probeWithinMs = 3_000;

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
    return { url, token, isOurs: false, failed: new Promise<never>(() => {}), stop: async () => {} };
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
  const leash = new URL("demo-leash.ts", import.meta.url);
  const main = new URL("main.ts", import.meta.url);
  const child = spawn(process.execPath, ["--import", leash.href, main.pathname], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => end(child);
  try {
    const { url, failed } = await untilReady(child, signal);
    const token = settings.token ?? keptToken(settings.home);
    if (token === undefined) throw new DemoError("The system left no token to call it with.");
    return { url, token, isOurs: true, failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function untilReady(child: ChildProcess, signal: AbortSignal): Promise<{ url: string; failed: Promise<never> }> {
  const ready = Promise.withResolvers<{ url: string; failed: Promise<never> }>();
  const failed = Promise.withResolvers<never>();
  // Whoever waits for neither any more must not be ended by a rejection that nobody took.
  failed.promise.catch(() => {});
  let output = "";
  const take = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-10_000);
    const [, url] = /^ready (http:\S+)$/m.exec(output) ?? [];
    if (url !== undefined) ready.resolve({ url, failed: failed.promise });
  };
  const giveUp = (error: Error) => {
    ready.reject(error);
    failed.reject(error);
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  child.once("error", (error) => giveUp(new DemoError(`The system cannot be started: ${error.message}`)));
  child.once("exit", () => giveUp(new DemoError(`The system ended by itself. ${lastWords(output)}`)));
  const late = setTimeout(
    () => giveUp(new DemoError(`The system was not ready in time. ${lastWords(output)}`)),
    readyWithinMs,
  );
  const interrupt = () => ready.reject(signal.reason);
  signal.addEventListener("abort", interrupt);
  return ready.promise.finally(() => {
    clearTimeout(late);
    signal.removeEventListener("abort", interrupt);
  });
}

/** What it said at the end, and the way out of the most likely reason. */
function lastWords(output: string): string {
  const words = output.trim().split("\n").slice(-8).join("\n");
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
