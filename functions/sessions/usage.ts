import type { HttpContext } from "../clients/http.ts";
import type { Clock } from "../domain/clock.ts";
import { chunksOf } from "../domain/concurrently.ts";
import { RequestError } from "../domain/errors.ts";
import { maxUsageDays } from "../domain/limits.ts";
import { ofAgents } from "../domain/rollup.ts";
import { addDay, emptyReport, type Grouping, groupings, reportCsv, reportJson } from "../domain/usage-report.ts";
import { type Books, dayOf } from "../store/books.ts";
import { readParameters } from "./parameters.ts";

export interface UsageDeps {
  books: Books;
  clock: Clock;
}

const dayMs = 24 * 3_600_000;
const defaultDays = 30;
/** Of one day, 2,000 groups of each kind are some megabytes. */
const daysAtOnce = 31;

/** `GET /api/usage`: what was paid, saved and wasted. `POST /api/usage/rebuild`: the sums of some days, made anew. */
export function usageRoutes(deps: UsageDeps) {
  return {
    "GET /api/usage": (c: HttpContext) => reportUsage(c, deps),
    "POST /api/usage/rebuild": async (c: HttpContext) => {
      const days = readDays(readParameters(c, ["from", "to"]), deps);
      for (const day of days) await deps.books.mark("REBUILD", day);
      return c.json({ status: "accepted", days: days.length }, 202);
    },
  };
}

async function reportUsage(c: HttpContext, deps: UsageDeps): Promise<Response> {
  const { books } = deps;
  const { agents } = c.get("principal");
  const query = readParameters(c, ["from", "to", "groupBy", "format"]);
  const days = readDays(query, deps);
  const groupBy = readGrouping(query.groupBy);
  const isCsv = query.format === "csv" || (query.format === undefined && accepts(c, "text/csv"));
  if (query.format !== undefined && query.format !== "csv" && query.format !== "json") {
    throw new RequestError(400, "format: must be json or csv", { param: "format" });
  }
  if (agents !== "*" && groupBy !== "agent" && groupBy !== "day") {
    const message = `groupBy: sums by ${groupBy} cover all agents, and this token is for some: agent and day can be split`;
    throw new RequestError(403, message, { param: "groupBy" });
  }
  const report = emptyReport(groupBy);
  for (const some of chunksOf(days, daysAtOnce)) {
    for (const [day, rollup] of await books.days(some)) {
      addDay(report, day, agents === "*" ? rollup : ofAgents(rollup, agents));
    }
  }
  if (isCsv) return c.body(reportCsv(report), 200, { "content-type": "text/csv; charset=utf-8" });
  const pending = await Promise.all((["MANIFEST", "MINUTE", "DAY"] as const).map((kind) => books.marks(kind)));
  return c.json({ from: days[0], to: days.at(-1), ...reportJson(report), pending: pending.flat().length });
}

function accepts(c: HttpContext, type: string): boolean {
  return (c.req.header("accept") ?? "").split(",").some((one) => one.split(";")[0]?.trim() === type);
}

/** Days of UTC, both ends included. */
function readDays({ from, to }: { from?: string; to?: string }, { clock }: UsageDeps): string[] {
  const last = to === undefined ? Date.parse(dayOf(clock.now())) : readDay(to, "to");
  const first = from === undefined ? last - (defaultDays - 1) * dayMs : readDay(from, "from");
  const count = (last - first) / dayMs + 1;
  if (count < 1) throw new RequestError(400, "from: must not be after to", { param: "from" });
  if (count > maxUsageDays) throw new RequestError(400, `from: at most ${maxUsageDays} days`, { param: "from" });
  return Array.from({ length: count }, (_, index) => dayOf(first + index * dayMs));
}

function readDay(text: string, param: string): number {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  // `2026-02-30` is a time to `Date.parse`, and another day.
  if (Number.isNaN(time) || dayOf(time) !== text)
    throw new RequestError(400, `${param}: must be a day such as 2026-11-21`, { param });
  return time;
}

function readGrouping(text = "day"): Grouping {
  const grouping = groupings.find((one) => one === text);
  if (grouping === undefined)
    throw new RequestError(400, `groupBy: must be one of ${groupings.join(", ")}`, { param: "groupBy" });
  return grouping;
}
