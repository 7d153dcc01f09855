import { type ParsedConfig, parseConfig } from "../../../../functions/domain/config/index.ts";

/** Parses a configuration written as an object; no system file exists but those given. */
export function parse(config: unknown, files: Record<string, string> = {}): ParsedConfig {
  return parseConfig(JSON.stringify(config), (path) => (Object.hasOwn(files, path) ? files[path] : undefined));
}

export function problemsOf(config: unknown, files: Record<string, string> = {}): string[] {
  const parsed = parse(config, files);
  return parsed.ok ? [] : parsed.problems;
}

export function configOf(config: unknown, files: Record<string, string> = {}) {
  const parsed = parse(config, files);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.config;
}

export function agentOf(agent: object, defaults: object = {}, files: Record<string, string> = {}) {
  return configOf({ agents: { defaults, list: [{ id: "worker", ...agent }] } }, files).agents[0]!;
}

export const agents = { list: [{ id: "worker" }, { id: "private", zeroDataRetention: true }] };
const job = {
  id: "nightly",
  agentId: "worker",
  schedule: { kind: "cron", expr: "0 2 * * *" },
  payload: { kind: "agentTurn", message: "Report." },
};

/** One job, with some of its keys replaced. */
export function withJob(keys: object = {}) {
  return { agents, cron: { jobs: [{ ...job, ...keys }] } };
}

export function withPayload(keys: object) {
  return withJob({ payload: { ...job.payload, ...keys } });
}

export function withSchedule(schedule: object) {
  return withJob({ schedule });
}

export function withLane(keys: object) {
  return { agents, lanes: [{ id: "night", ...keys }] };
}
