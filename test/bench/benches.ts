import { cold } from "./cold.ts";
import { cost } from "./cost.ts";
import { lines } from "./lines.ts";
import type { Bench } from "./measure.ts";
import { settleMemory, submitMemory } from "./memory.ts";

/** Every bench, in the order of the report. */
export const benches: readonly Bench[] = [cost, cold, submitMemory, settleMemory, lines];
