import * as v from "valibot";
import { markersProblem } from "../cache-markers.ts";
import { type AgentLayer, type LayerDeps, readAgentLayer, readDefaults } from "./agent-layer.ts";
import { maxAgents } from "./limits.ts";
import {
  defined,
  isObject,
  type Path,
  type Report,
  readList,
  readObject,
  reportRepeatedIds,
  unknownId,
} from "./reader.ts";
import type { Agent } from "./types.ts";

/** What an agent is where neither it nor `agents.defaults` says: the cheapest model, half price, the usual cache setting. */
export const agentDefaults = {
  model: "claude-haiku-5-5",
  maxTokens: 4096,
  mode: "batch",
  cacheRetention: "short",
  zeroDataRetention: false,
  delivery: "each",
  lane: "default",
} as const;

const schema = v.object({ defaults: v.optional(v.unknown()), list: v.optional(v.unknown()) });

export interface AgentsDeps extends LayerDeps {
  laneIds: readonly string[];
  warn: (message: string) => void;
}

/** Reads `agents`, and merges `agents.defaults` into each of the list: key by key, the nearest wins. */
export function readAgents(value: unknown, deps: AgentsDeps): Agent[] {
  const { report, laneIds, warn } = deps;
  const { defaults = {}, list } = readObject(schema, value, { path: ["agents"], report, required: ["list"], explain });
  const path = ["agents", "list"];
  const items = readList(list, { path, report, maxItems: maxAgents });
  if (Array.isArray(list) && list.length === 0) report(path, "must have at least one agent");
  if ([defaults, ...items].some(hasWorkspace))
    warn("workspace is ignored wherever agents have it: agents of Offpeak have no files");

  const base = readDefaults(defaults, ["agents", "defaults"], deps);
  const own = items.map((item, index) => ({
    layer: readAgentLayer(item, [...path, index], deps),
    path: [...path, index],
  }));
  reportUnknownLane(base, ["agents", "defaults"], laneIds, report);
  for (const { layer, path } of own) reportUnknownLane(layer, path, laneIds, report);
  reportRepeatedIds(
    own.map(({ layer }) => layer.id),
    path,
    report,
  );
  return own.map(({ layer, path }) => {
    const agent = resolve(layer, base, report);
    const problem = markersProblem({ ...agent.params, system: agent.system });
    if (problem !== undefined) report(path, problem);
    return agent;
  });
}

function explain(key: string): string | undefined {
  return key === "entries" ? "unknown key: write agents.list, where each agent has its id inside" : undefined;
}

function hasWorkspace(layer: unknown): boolean {
  return isObject(layer) && Object.hasOwn(layer, "workspace");
}

function reportUnknownLane({ lane }: AgentLayer, path: Path, laneIds: readonly string[], report: Report): void {
  if (lane !== undefined && !laneIds.includes(lane)) report([...path, "lane"], unknownId("lane", lane, laneIds));
}

/** An agent without a readable id was reported, and so never leaves the parser. */
function resolve(own: AgentLayer & { id?: string; name?: string }, base: AgentLayer, report: Report): Agent {
  const { id = "", name } = own;
  const merged = { ...agentDefaults, betas: [], ...base, ...own };
  const { model, maxTokens, cacheRetention, zeroDataRetention, delivery, betas, system, onDeadline, budget } = merged;
  return {
    id,
    model,
    maxTokens,
    cacheRetention,
    zeroDataRetention,
    delivery,
    betas,
    ...defined({ name, system, onDeadline, budget }),
    routing: resolveRouting(own, base, zeroDataRetention, report),
    lane: resolveLane(own, base),
    params: { ...base.params, ...own.params },
  };
}

function resolveRouting(
  own: AgentLayer,
  base: AgentLayer,
  zeroDataRetention: boolean,
  report: Report,
): Agent["routing"] {
  if (own.mode !== undefined) {
    // Where the agent itself says both, that was reported already.
    if (own.mode.value === "batch" && zeroDataRetention && own.zeroDataRetention === undefined) {
      report(
        own.mode.path,
        "a batch keeps its data up to 29 days, which zeroDataRetention of agents.defaults rules out",
      );
    }
    return { mode: own.mode.value, from: "agent" };
  }
  const inherited: Agent["routing"] =
    base.mode === undefined
      ? { mode: agentDefaults.mode, from: "default" }
      : { mode: base.mode.value, from: "defaults" };
  return zeroDataRetention && inherited.mode === "batch" ? { mode: "realtime", from: "zeroDataRetention" } : inherited;
}

function resolveLane(own: AgentLayer, base: AgentLayer): Agent["lane"] {
  if (own.lane !== undefined) return { id: own.lane, from: "agent" };
  if (base.lane !== undefined) return { id: base.lane, from: "defaults" };
  return { id: agentDefaults.lane, from: "default" };
}
