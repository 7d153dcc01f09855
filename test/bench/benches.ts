import { cost } from "./cost.ts";
import type { Bench } from "./measure.ts";

/** Every bench, in the order of the report. */
export const benches: readonly Bench[] = [cost];
