import * as v from "valibot";
import { oneOf } from "./fields.ts";
import { maxBudgetUsd, minBudgetUsd } from "./limits.ts";
import { defined, type Path, type Report, readObject } from "./reader.ts";
import type { Budget } from "./types.ts";

const message = `must be dollars from ${minBudgetUsd} to ${maxBudgetUsd}`;
const dollars = v.optional(
  v.pipe(v.number(message), v.minValue(minBudgetUsd, message), v.maxValue(maxBudgetUsd, message)),
);
const schema = v.object({
  usdPerDay: dollars,
  usdPerTask: dollars,
  onExceeded: v.optional(oneOf("reject", "hold", "warn")),
});

/** Reads the `budget` of an agent or a lane. */
export function readBudget(value: unknown, path: Path, report: Report): Budget | undefined {
  if (value === undefined) return undefined;
  const { usdPerDay, usdPerTask, onExceeded = "reject" } = readObject(schema, value, { path, report });
  if (usdPerDay === undefined && usdPerTask === undefined) report(path, "needs usdPerDay or usdPerTask");
  return { onExceeded, ...defined({ usdPerDay, usdPerTask }) };
}
