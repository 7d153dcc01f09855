import { type Problem, parseWith } from "../parse.ts";
import { suggestion } from "./params.ts";
import { resolveConfig } from "./resolve.ts";
import { configSchema } from "./schema.ts";
import type { ParsedConfig } from "./types.ts";

export { cronToEventBridge, dueBetween, everyToEventBridge, scheduledMinute } from "./schedule.ts";
export type { Agent, CacheRetention, Config, CronJob, Lane, ParsedConfig, Schedule } from "./types.ts";

/** Every key of the file, to recognize a misspelt one. */
const knownKeys = [
  ...[
    "agents",
    "cron",
    "lanes",
    "defaults",
    "list",
    "jobs",
    "id",
    "name",
    "system",
    "systemFile",
    "model",
    "maxTokens",
  ],
  ...["routing", "batch", "cacheRetention", "zeroDataRetention", "lane", "onDeadline", "betas", "params", "workspace"],
  ...[
    "enabled",
    "schedule",
    "kind",
    "expr",
    "tz",
    "agentId",
    "payload",
    "message",
    "timeoutSeconds",
    "priority",
    "hours",
  ],
  ...["maxInFlightRequests", "maxBatchRequests", "maxBatchBytes", "flushEverySeconds", "deadlineSeconds"],
  ...["onBatchUnavailable", "workspaceId", "apiKeySecret", "maxAttempts"],
];

/**
 * The text of `offpeak.json`, checked and with everything merged; or every problem at once, as `path: what is wrong`.
 * @param readSystemFile the text of a file that a `systemFile` names, relative to `offpeak.json`; undefined if unreadable
 */
export function parseConfig(text: string, readSystemFile: (path: string) => string | undefined): ParsedConfig {
  const json = readJson(text);
  if (!json.ok) return { ok: false, problems: [json.problem], warnings: [] };
  const parsed = parseWith(configSchema, json.value);
  if (!parsed.ok) return { ok: false, problems: parsed.problems.map(describe), warnings: [] };
  const { config, problems, warnings } = resolveConfig(parsed.value, readSystemFile);
  return problems.length === 0
    ? { ok: true, config, warnings }
    : { ok: false, problems: problems.map(describe), warnings };
}

function describe({ path, message }: Problem): string {
  const key = path.split(/[.[]/).at(-1) ?? "";
  const hint = message === "unknown key" ? suggestion(key, knownKeys) : "";
  return path === "" ? `the file ${message}` : `${path}: ${message}${hint}`;
}

function readJson(text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  try {
    return { ok: true, value: JSON.parse(text.replace(/^\uFEFF/, "")) };
  } catch (error) {
    return { ok: false, problem: `the file is not JSON: ${error instanceof Error ? error.message : "?"}` };
  }
}
