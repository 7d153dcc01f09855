import * as v from "valibot";
import { integer } from "./fields.ts";
import { maxRealtimeConcurrency, minRealtimeConcurrency } from "./limits.ts";
import { type Report, readObject } from "./reader.ts";
import type { RealtimeLimits } from "./types.ts";

/** Ten leave a young account of AWS, which has ten runs to share, and the lowest limits of Anthropic's room for others. */
const defaultMaxConcurrency = 10;

const schema = v.object({ maxConcurrency: v.optional(integer(minRealtimeConcurrency, maxRealtimeConcurrency)) });

/** Reads `realtime`: what bounds the work at the full price. */
export function readRealtime(value: unknown, report: Report): RealtimeLimits {
  const { maxConcurrency = defaultMaxConcurrency } =
    value === undefined ? {} : readObject(schema, value, { path: ["realtime"], report });
  return { maxConcurrency };
}
