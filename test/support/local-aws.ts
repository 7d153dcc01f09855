import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import { startLocalAws } from "../../infra/local/aws/start.ts";
import { type VirtualClock, virtualClock } from "./virtual-clock.ts";

/** The emulators for one file of tests, on a clock that the tests move; every SDK client made while they run finds them. */
export function useLocalAws(secrets: () => Record<string, string> = () => ({})): VirtualClock {
  // Real clients sign with the machine's time, and the emulators' times should be near it.
  const clock = virtualClock(Date.now());
  let stop = async () => {};
  let home = "";
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "offpeak-contract-"));
    let ids = 0;
    const newId = () => {
      ids += 1;
      return `id-${ids}`;
    };
    const aws = await startLocalAws({ home, secrets }, { now: clock.now, newId });
    stop = aws.stop;
    for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    await stop();
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
  });
  return clock;
}
