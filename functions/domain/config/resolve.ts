import type { Problem } from "../parse.ts";
import { resolveLanes } from "./lanes.ts";
import { defaultMaxTokens, defaultModel } from "./limits.ts";
import { resolveParams } from "./params.ts";
import { everySeconds } from "./schedule.ts";
import type { RawAgent, RawConfig, RawDefaults, RawJob } from "./schema.ts";
import type { Agent, Config, CronJob, Schedule } from "./types.ts";

export interface Resolution {
  config: Config;
  problems: Problem[];
  warnings: string[];
}

type ReadFile = (path: string) => string | undefined;
/** Where in the file something stands, and where what is wrong with it goes. */
interface Place {
  path: string;
  problems: Problem[];
}

/** What the keys mean together: defaults merged, references checked, synonyms made one word. */
export function resolveConfig(raw: RawConfig, readSystemFile: ReadFile): Resolution {
  const problems: Problem[] = [];
  const { defaults, list } = raw.agents;
  checkUnique("agents.list", list, problems);
  checkUnique("cron.jobs", raw.cron.jobs, problems);
  checkUnique("lanes", raw.lanes, problems);
  const lanes = resolveLanes(raw.lanes);
  const laneIds = new Set(lanes.map(({ id }) => id));
  const checkLane = (lane: string | undefined, path: string) => {
    if (lane !== undefined && !laneIds.has(lane))
      problems.push({ path: `${path}.lane`, message: `no lane "${lane}" is configured` });
  };
  checkLane(defaults.lane, "agents.defaults");
  const base = readAgentKeys(defaults, readSystemFile, { path: "agents.defaults", problems });
  const agents = list.map((agent, index) => {
    const path = `agents.list[${index}]`;
    checkLane(agent.lane, path);
    return mergeAgent(agent, readAgentKeys(agent, readSystemFile, { path, problems }), base);
  });
  const jobs = raw.cron.jobs.flatMap((job, index) => {
    const path = `cron.jobs[${index}]`;
    checkLane(job.lane, path);
    const resolved = resolveJob(job, agents, { path, problems });
    return job.enabled ? [resolved] : [];
  });
  const hasWorkspace = [defaults, ...list].some((agent) => agent.workspace !== undefined);
  const warnings = hasWorkspace ? ["agents: workspace has no meaning here and is ignored"] : [];
  return { config: { agents, jobs, lanes }, problems, warnings };
}

function checkUnique(path: string, items: readonly { id: string }[], problems: Problem[]): void {
  items.forEach(({ id }, index) => {
    if (items.findIndex((item) => item.id === id) < index)
      problems.push({ path: `${path}[${index}].id`, message: `"${id}" is there twice` });
  });
}

/** What one place says of an agent, with its synonyms read; undefined where it says nothing. */
interface AgentKeys {
  system: Agent["system"];
  model: string | undefined;
  maxTokens: number | undefined;
  mode: "batch" | "realtime" | undefined;
  cacheRetention: Agent["cacheRetention"] | undefined;
  zeroDataRetention: boolean | undefined;
  lane: string | undefined;
  onDeadline: Agent["onDeadline"] | undefined;
  betas: string[] | undefined;
  params: Record<string, unknown>;
}

function readAgentKeys(raw: RawDefaults, readSystemFile: ReadFile, place: Place): AgentKeys {
  const { model, maxTokens, zeroDataRetention, lane, onDeadline, betas } = raw;
  const mode = readMode(raw, place);
  const { params, cacheRetention } = resolveParams(raw, place);
  if (mode === "batch" && zeroDataRetention === true) {
    const key = raw.routing === undefined ? "batch" : "routing";
    place.problems.push({
      path: `${place.path}.${key}`,
      message: "batches keep their data, which zeroDataRetention forbids",
    });
  }
  const system = readSystem(raw, readSystemFile, place);
  return { system, model, maxTokens, mode, cacheRetention, zeroDataRetention, lane, onDeadline, betas, params };
}

function readMode({ routing, batch }: Pick<RawDefaults, "routing" | "batch">, { path, problems }: Place) {
  const asked = batch === undefined ? undefined : batch ? "batch" : "realtime";
  if (asked !== undefined && routing !== undefined && asked !== routing) {
    problems.push({ path: `${path}.batch`, message: `disagrees with routing "${routing}"` });
  }
  return routing ?? asked;
}

function readSystem(
  { system, systemFile }: RawDefaults,
  readSystemFile: ReadFile,
  { path, problems }: Place,
): Agent["system"] {
  if (systemFile === undefined) return system;
  if (system !== undefined)
    problems.push({ path: `${path}.systemFile`, message: "there is a system as well; keep one of them" });
  const text = readSystemFile(systemFile);
  if (text === undefined) problems.push({ path: `${path}.systemFile`, message: `${systemFile} cannot be read` });
  else if (text.trim() === "") problems.push({ path: `${path}.systemFile`, message: `${systemFile} is empty` });
  return text;
}

/** The nearest place that says something wins, key by key; what is undefined says nothing. */
function mergeAgent(raw: RawAgent, own: AgentKeys, base: AgentKeys): Agent {
  const system = own.system ?? base.system;
  const onDeadline = own.onDeadline ?? base.onDeadline;
  const zeroDataRetention = own.zeroDataRetention ?? base.zeroDataRetention ?? false;
  const lane: Agent["lane"] =
    own.lane !== undefined
      ? { id: own.lane, from: "agent" }
      : base.lane !== undefined
        ? { id: base.lane, from: "defaults" }
        : { id: "default", from: "default" };
  return {
    id: raw.id,
    ...(raw.name === undefined ? {} : { name: raw.name }),
    ...(system === undefined ? {} : { system }),
    model: own.model ?? base.model ?? defaultModel,
    maxTokens: own.maxTokens ?? base.maxTokens ?? defaultMaxTokens,
    routing: mergeRouting(own, base, zeroDataRetention),
    lane,
    cacheRetention: own.cacheRetention ?? base.cacheRetention ?? "short",
    zeroDataRetention,
    ...(onDeadline === undefined ? {} : { onDeadline }),
    params: { ...base.params, ...own.params },
    betas: own.betas ?? base.betas ?? [],
  };
}

function mergeRouting(own: AgentKeys, base: AgentKeys, zeroDataRetention: boolean): Agent["routing"] {
  if (own.mode !== undefined && !(own.mode === "batch" && zeroDataRetention)) return { mode: own.mode, from: "agent" };
  // A batch that was only inherited gives way.
  if (zeroDataRetention) return { mode: "realtime", from: "zeroDataRetention" };
  return base.mode === undefined ? { mode: "batch", from: "default" } : { mode: base.mode, from: "defaults" };
}

function resolveJob(raw: RawJob, agents: readonly Agent[], { path, problems }: Place): CronJob {
  const { batch, routing, message, model, timeoutSeconds } = raw.payload;
  const agent = agents.find(({ id }) => id === raw.agentId);
  if (agent === undefined)
    problems.push({ path: `${path}.agentId`, message: `no agent "${raw.agentId}" is configured` });
  const asked = typeof batch === "object" ? batch.enabled : batch;
  const keys = { ...(asked === undefined ? {} : { batch: asked }), ...(routing === undefined ? {} : { routing }) };
  const mode = readMode(keys, { path: `${path}.payload`, problems });
  if (mode === "batch" && agent?.zeroDataRetention === true) {
    const message = `agent "${agent.id}" has zeroDataRetention, and batches keep their data`;
    problems.push({ path: `${path}.payload.${routing === undefined ? "batch" : "routing"}`, message });
  }
  return {
    id: raw.id,
    agentId: raw.agentId,
    schedule: toSchedule(raw),
    message,
    ...(model === undefined ? {} : { model }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(mode === undefined ? {} : { routing: mode }),
    ...(raw.lane === undefined ? {} : { lane: raw.lane }),
    ...(raw.onDeadline === undefined ? {} : { onDeadline: raw.onDeadline }),
  };
}

function toSchedule({ schedule }: RawJob): Schedule {
  return schedule.kind === "cron" ? schedule : { kind: "every", seconds: everySeconds(schedule.expr) ?? 0 };
}
