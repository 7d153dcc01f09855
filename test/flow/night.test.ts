import { expect, it } from "vitest";
import { describeNight, longestRecovery, runNight } from "./night.ts";
import { recoveryBoundSeconds } from "./night-plan.ts";
import { temporaryHome } from "./support.ts";

it("what kill -9 interrupts is settled within 30 s of the next start, delivered, and paid for once", async () => {
  const { home, remove } = temporaryHome();
  const night = await runNight({ home, kills: 3, sessions: 30, seed: 1 });
  expect(night.problems, describeNight(night)).toEqual([]);
  expect(night.interrupted).toBeGreaterThan(0);
  expect(longestRecovery(night)).toBeLessThan(recoveryBoundSeconds);
  remove();
}, 180_000);
