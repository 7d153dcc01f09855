import { expect } from "vitest";
import { runSimulation, scenarioOf } from "./run.ts";
import { Totals } from "./totals.ts";

/** Ways back that some seed must have taken: no run passes by doing nothing. */
const marks = [
  "session_repeated",
  "session_rescued",
  "manifest_adopted",
  "manifest_abandoned",
  "manifest_split",
  "manifest_unknown",
  "lane_parked",
  "lane_resumed",
  "results_short",
  "result_quarantined",
  "session_requeued",
  "delivery_failed",
  "realtime_unknown",
  "realtime_refused",
  "deadline_fallback",
  "deadline_passed",
] as const;

/** Runs some of the seeds, and expects of them together what each whole run must show. */
export async function expectSeedsToHold({ from, to }: { from: number; to: number }): Promise<void> {
  const totals = new Totals();
  for (let seed = from; seed <= to; seed += 1) totals.add(await runSimulation({ seed, scenario: scenarioOf(seed) }));
  expect(totals.violations).toEqual([]);
  expect(totals.doneShare).toBeGreaterThan(0.8);
  expect(marks.filter((mark) => !totals.marks.has(mark))).toEqual([]);
}
