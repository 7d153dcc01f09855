import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { account, environmentOf, region, root, runFolder } from "./place.ts";

export interface Emulator {
  url: string;
  close(): Promise<void>;
}

const loopback = "127.0.0.1";
const readyWithinMs = 60_000;
const endsWithinMs = 15_000;

/** Its standard input is a pipe from us, which the kernel closes however we end, kill -9 included: it then ends as well. */
const leashed = `
import os, runpy, signal, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os.kill(os.getpid(), signal.SIGTERM)), daemon=True).start()
runpy.run_module("ministack", run_name="__main__")
`;

/** Starts the emulator of AWS, empty, and resolves when it answers. */
export async function startEmulator(python: string): Promise<Emulator> {
  const port = await freePort();
  const url = `http://${loopback}:${port}`;
  const log = openSync(join(runFolder, "emulator.log"), "w");
  const child = spawn(python, ["-c", leashed], {
    cwd: runFolder,
    env: {
      ...environmentOf(url),
      BIND_HOST: loopback,
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: region,
      MINISTACK_ACCOUNT_ID: account,
      LAMBDA_EXECUTOR: "local",
      // Lambda's own Node brings the AWS SDK along, which the emulator's lacks.
      NODE_PATH: join(root, "node_modules"),
    },
    stdio: ["pipe", log, log],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  const close = async () => {
    child.kill("SIGTERM");
    const isOver = await Promise.race([ended.then(() => true), pause(endsWithinMs, false, { ref: false })]);
    if (!isOver) child.kill("SIGKILL");
    await ended;
    closeSync(log);
  };
  const end = Date.now() + readyWithinMs;
  while (!(await isUp(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      await close();
      throw new Error(`the emulator of AWS did not start: see ${join(runFolder, "emulator.log")}`);
    }
    await pause(200);
  }
  return { url, close };
}

async function isUp(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/_ministack/health`, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, loopback, () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject()));
    });
  });
}
