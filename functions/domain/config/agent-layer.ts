import * as v from "valibot";
import type { Mode, OnDeadline } from "../session.ts";
import { readBudget } from "./budget.ts";
import { agreed, modeOf } from "./choices.ts";
import { boolean, cacheRetention, delivery, id, integer, mode, model, onDeadline, text } from "./fields.ts";
import { maxNameCharacters, maxOutputTokens } from "./limits.ts";
import { betas, parameterEntries, parameterNames, refusedParameter, system } from "./parameters.ts";
import { defined, type Path, type Report, readObject, unknownKey } from "./reader.ts";
import type { Budget, CacheSetting, Delivery, SystemBlock } from "./types.ts";

const layerEntries = {
  system: v.optional(system),
  systemFile: v.optional(text(1_024)),
  model: v.optional(model),
  maxTokens: v.optional(integer(1, maxOutputTokens)),
  routing: v.optional(mode),
  batch: v.optional(boolean),
  cacheRetention: v.optional(cacheRetention),
  zeroDataRetention: v.optional(boolean),
  lane: v.optional(v.string("must be text")),
  onDeadline: v.optional(onDeadline),
  delivery: v.optional(delivery),
  budget: v.optional(v.unknown()),
  betas: v.optional(betas),
  params: v.optional(v.unknown()),
  workspace: v.optional(v.unknown()),
  ...parameterEntries,
};
const defaultsSchema = v.object(layerEntries);
const agentSchema = v.object({ id: v.optional(id), name: v.optional(text(maxNameCharacters)), ...layerEntries });
/** OpenClaw's place for `cacheRetention`, and for what goes to the model as it is. */
const paramsSchema = v.object({ cacheRetention: v.optional(cacheRetention), ...parameterEntries });

/** What one agent, or `agents.defaults`, says of its own: every synonym is one word by now, and what is not said is absent. */
export interface AgentLayer {
  system?: string | SystemBlock[];
  model?: string;
  maxTokens?: number;
  /** The path is that of the key that says so. */
  mode?: { path: Path; value: Mode };
  cacheRetention?: CacheSetting;
  zeroDataRetention?: boolean;
  lane?: string;
  onDeadline?: OnDeadline;
  delivery?: Delivery;
  budget?: Budget;
  betas?: string[];
  params: Readonly<Record<string, unknown>>;
}

export interface LayerDeps {
  readSystemFile: (path: string) => string | undefined;
  report: Report;
}

export function readDefaults(value: unknown, path: Path, deps: LayerDeps): AgentLayer {
  return toLayer(
    readObject(defaultsSchema, value, { path, report: deps.report, explain: refusedParameter }),
    path,
    deps,
  );
}

export function readAgentLayer(
  value: unknown,
  path: Path,
  deps: LayerDeps,
): AgentLayer & { id?: string; name?: string } {
  const raw = readObject(agentSchema, value, {
    path,
    report: deps.report,
    required: ["id"],
    explain: refusedParameter,
  });
  const { id, name } = raw;
  return { ...toLayer(raw, path, deps), ...defined({ id, name }) };
}

function toLayer(raw: v.InferOutput<typeof defaultsSchema>, path: Path, deps: LayerDeps): AgentLayer {
  const { report } = deps;
  const { model, maxTokens, zeroDataRetention, lane, onDeadline, delivery, betas } = raw;
  const params: v.InferOutput<typeof paramsSchema> =
    raw.params === undefined
      ? {}
      : readObject(paramsSchema, raw.params, { path: [...path, "params"], report, explain: explainParam });
  const mode = agreed(
    [
      { path: [...path, "routing"], value: raw.routing },
      { path: [...path, "batch"], value: modeOf(raw.batch) },
    ],
    report,
  );
  if (mode?.value === "batch" && zeroDataRetention === true) {
    report(mode.path, "a batch keeps its data up to 29 days, which zeroDataRetention rules out");
  }
  const retention = agreed(
    [
      { path: [...path, "cacheRetention"], value: raw.cacheRetention },
      { path: [...path, "params", "cacheRetention"], value: params.cacheRetention },
    ],
    report,
  );
  const cacheRetention = retention?.value;
  const system = readSystem(raw, path, deps);
  const budget = readBudget(raw.budget, [...path, "budget"], report);
  const routing = defined({ mode, zeroDataRetention, lane, onDeadline, delivery });
  const plain = defined({ system, model, maxTokens, cacheRetention, betas, budget });
  return { ...routing, ...plain, params: readParameters(raw, params, path, report) };
}

function readSystem(
  { system, systemFile }: { system?: string | SystemBlock[] | undefined; systemFile?: string | undefined },
  path: Path,
  { readSystemFile, report }: LayerDeps,
): string | SystemBlock[] | undefined {
  if (systemFile === undefined) return system;
  const at = [...path, "systemFile"];
  if (system !== undefined) report(at, "cannot be given together with system");
  const content = readSystemFile(systemFile);
  if (content === undefined) report(at, `${systemFile} cannot be read`);
  else if (content.trim() === "") report(at, `${systemFile} is empty`);
  return content;
}

/** Parameters of the API may stand on the agent or in its `params`. */
function readParameters(
  raw: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
  path: Path,
  report: Report,
): Record<string, unknown> {
  const found = parameterNames.flatMap((name) => {
    const places = [
      { path: [...path, name], value: raw[name] },
      { path: [...path, "params", name], value: params[name] },
    ];
    const said = agreed(places, report);
    return said === undefined ? [] : [[name, said.value] as const];
  });
  return Object.fromEntries(found);
}

function explainParam(key: string): string {
  const reason = refusedParameter(key);
  if (reason !== undefined) return reason;
  if (Object.hasOwn(agentSchema.entries, key)) return `unknown key: ${key} belongs on the agent itself`;
  return unknownKey(key, Object.keys(paramsSchema.entries));
}
