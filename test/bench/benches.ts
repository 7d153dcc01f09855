import { batchSize } from "./batch-size.ts";
import { cold } from "./cold.ts";
import { cost } from "./cost.ts";
import { delay } from "./delay.ts";
import { lines } from "./lines.ts";
import type { Bench } from "./measure.ts";
import { settleMemory, submitMemory } from "./memory.ts";
import { night, nightMemory } from "./night.ts";
import { settle } from "./settle.ts";
import { spawn } from "./spawn.ts";
import { submit } from "./submit.ts";

/** Every bench, in the order of the report. */
export const benches: readonly Bench[] = [
  cost,
  spawn,
  cold,
  submit,
  submitMemory,
  settle,
  settleMemory,
  lines,
  batchSize,
  night,
  nightMemory,
  delay,
];
