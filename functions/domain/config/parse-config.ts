import * as v from "valibot";
import { defaultRetentionDays, maxRetentionDays, minRetentionDays } from "../limits.ts";
import { readAgents } from "./agents.ts";
import { readFederation } from "./federation.ts";
import { integer } from "./fields.ts";
import { readJobs } from "./jobs.ts";
import { parseJsonText } from "./json-text.ts";
import { readLanes } from "./lanes.ts";
import { readPricing } from "./pricing.ts";
import { defined, describe, type Report, readObject } from "./reader.ts";
import { readRealtime } from "./realtime.ts";
import type { Config } from "./types.ts";

const schema = v.object({
  agents: v.optional(v.unknown()),
  anthropic: v.optional(v.unknown()),
  cron: v.optional(v.unknown()),
  lanes: v.optional(v.unknown()),
  realtime: v.optional(v.unknown()),
  pricing: v.optional(v.unknown()),
  retentionDays: v.optional(integer(minRetentionDays, maxRetentionDays)),
});

export type ParsedConfig =
  | { ok: true; config: Config; warnings: string[] }
  | { ok: false; problems: string[]; warnings: string[] };

/**
 * Parses `offpeak.json`: everything wrong with it at once, a line each, such as
 * `agents.list[5].cacheRetenshun: unknown key (did you mean cacheRetention?)`; or the whole of it with defaults merged.
 * @param readSystemFile the content of a system file, by the path as it is written, or `undefined` where there is none
 */
export function parseConfig(text: string, readSystemFile: (path: string) => string | undefined): ParsedConfig {
  const json = parseJsonText(text);
  if (!json.ok) return { ok: false, problems: [json.problem], warnings: [] };
  const problems: string[] = [];
  const warnings: string[] = [];
  const report: Report = (path, message) => problems.push(describe(path, message));
  const {
    agents: rawAgents,
    cron,
    lanes: rawLanes,
    realtime: rawRealtime,
    pricing,
    anthropic,
    retentionDays = defaultRetentionDays,
  } = readObject(schema, json.value, { path: [], report, required: ["agents"] });
  const lanes = readLanes(rawLanes, report);
  const laneIds = lanes.map(({ id }) => id).filter((id) => id !== "");
  const warn = (message: string) => warnings.push(message);
  const agents = rawAgents === undefined ? [] : readAgents(rawAgents, { laneIds, readSystemFile, report, warn });
  const jobs = readJobs(cron, { agents, laneIds, report });
  const realtime = readRealtime(rawRealtime, report);
  const prices = readPricing(pricing, report);
  const federation = readFederation(anthropic, report);
  return problems.length > 0
    ? { ok: false, problems, warnings }
    : {
        ok: true,
        config: { agents, jobs, lanes, realtime, prices, retentionDays, ...defined({ federation }) },
        warnings,
      };
}
