import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HomeInUseError, lockHome } from "../../../infra/local/home.ts";
import { temporaryHome } from "./aws/support.ts";

const modulePath = join(import.meta.dirname, "../../../infra/local/home.ts");

async function holderOf(home: string): Promise<ChildProcess> {
  const script = `
    const { lockHome } = await import(${JSON.stringify(modulePath)});
    globalThis.lock = lockHome(${JSON.stringify(home)});
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout!, "data");
  return child;
}

describe("the data folder", () => {
  it("is held by one process alone, and the refusal names it", async () => {
    const home = temporaryHome();
    const holder = await holderOf(home);
    expect(() => lockHome(home)).toThrow(HomeInUseError);
    expect(() => lockHome(home)).toThrow(`in use by process ${holder.pid}`);
  });

  it("is free again once its holder was killed", async () => {
    const home = temporaryHome();
    const holder = await holderOf(home);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    lockHome(home).release();
  });

  it("is refused to a second part of the same process until the first lets go", () => {
    const home = join(temporaryHome(), "made", "on", "the", "way");
    const lock = lockHome(home);
    expect(() => lockHome(home)).toThrow(`in use by process ${process.pid}`);
    lock.release();
    lock.release();
    lockHome(home).release();
  });
});
