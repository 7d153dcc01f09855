import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { lockHome } from "../../../infra/local/home.ts";
import { start, temporaryHome, token, waitFor } from "../../flow/support.ts";

function runDemo(home: string, environment: Record<string, string> = {}, args: readonly string[] = []) {
  const child: ChildProcess = spawn(process.execPath, ["infra/local/demo.ts", ...args], {
    env: {
      ...process.env,
      ANTHROPIC_API_KEY: "",
      OFFPEAK_HOME: home,
      OFFPEAK_TOKEN: token,
      OFFPEAK_TICK_SECONDS: "0.2",
      OFFPEAK_STAND_IN_BATCH_SECONDS: "0.2-0.4",
      PORT: "0",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const add = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout?.on("data", add);
  child.stderr?.on("data", add);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, output: () => output };
}

/** Whoever runs the system holds its data folder: the lock can be had once nobody does. */
function isFree(home: string): boolean {
  try {
    lockHome(home).release();
    return true;
  } catch {
    return false;
  }
}

/** Something that listens on loopback and is not Offpeak. */
async function strange(): Promise<{ port: number; close(): void }> {
  const server = createServer((_request, response) => response.end("<html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => server.close() };
}

describe("npm run demo", () => {
  it("runs a night's tasks to the table, and leaves nothing running", async () => {
    const { home, remove } = temporaryHome();
    const { ended, output } = runDemo(home);
    expect(await ended, output()).toBe(0);
    expect(output()).toContain("a stand-in answers these 7 tasks: no money is spent");
    expect(output().match(/^[0-9A-Z]{26} .* done .*Report: /gm)).toHaveLength(7);
    expect(output()).toMatch(/\$0\.\d{6} instead of \$0\.\d{6}: 4\d % saved\./);
    expect(isFree(home)).toBe(true);
    remove();
  });

  it("uses a system that runs, and leaves it running", async () => {
    const { home, remove } = temporaryHome();
    const system = await start(home);
    const { ended, output } = runDemo(home, { PORT: new URL(system.url).port });
    expect(await ended, output()).toBe(0);
    expect(output()).toContain(`Using the system that runs at ${system.url}`);
    expect(output()).toContain("If it was started with an API key");
    expect(isFree(home)).toBe(false);
    await system.stop();
    remove();
  });

  it("takes a free port where something else listens, and ends non-zero when time is up", async () => {
    const { home, remove } = temporaryHome();
    const { port, close } = await strange();
    const slow = { PORT: String(port), OFFPEAK_STAND_IN_BATCH_SECONDS: "900-900" };
    const { ended, output } = runDemo(home, slow, ["--timeout", "1s"]);
    expect(await ended, output()).toBe(1);
    expect(output()).toContain(`Port ${port} is taken by something else`);
    // The real-time one may or may not have made it within the second.
    expect(output()).toMatch(/[67] of 7 have not ended within 1 s\. What was accepted is kept/);
    expect(isFree(home)).toBe(true);
    close();
    remove();
  });

  it.each(["SIGINT", "SIGKILL"] as const)("leaves nothing running after %s", async (signal) => {
    const { home, remove } = temporaryHome();
    const { child, ended, output } = runDemo(home, { OFFPEAK_STAND_IN_BATCH_SECONDS: "900-900" });
    await waitFor(() => output().includes("submitted"));
    child.kill(signal);
    expect(await ended).toBe(signal === "SIGINT" ? 1 : null);
    await waitFor(() => isFree(home));
    if (signal === "SIGINT") expect(output()).toContain("SIGINT: stopped before the end.");
    remove();
  });

  it("says why the system did not start", async () => {
    const { home, remove } = temporaryHome();
    const lock = lockHome(home);
    const { ended, output } = runDemo(home);
    expect(await ended).toBe(1);
    expect(output()).toMatch(/The system ended by itself\..*is in use by process.*set PORT to its port/s);
    lock.release();
    remove();
  });

  it.each([
    [{ PORT: "http" }, [], /PORT: must be an integer/],
    [{}, ["--timeout", "soon"], /--timeout takes a time such as 90s/],
    [{}, ["--fast"], /'--fast'.*Usage: npm run demo/s],
  ])("refuses what it cannot understand: %j %j", async (environment, args, message) => {
    const { home, remove } = temporaryHome();
    const { ended, output } = runDemo(home, { ...environment }, args);
    expect(await ended).toBe(1);
    expect(output()).toMatch(message);
    remove();
  });
});
