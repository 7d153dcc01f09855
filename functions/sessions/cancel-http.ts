import * as v from "valibot";
import { type HttpContext, readJson } from "../clients/http.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { maxLabelCharacters } from "../domain/limits.ts";
import { parseStrictly } from "../domain/parse.ts";
import { type AgentSet, checkAgent } from "../domain/principal.ts";
import type { Latencies } from "../store/latencies.ts";
import { type CancelDeps, type CancelList, cancel, cancelAll } from "./cancel.ts";
import { find } from "./find.ts";
import { readCursor } from "./list.ts";
import { describe } from "./view.ts";

const text = v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty"));
const name = v.pipe(text, v.maxLength(maxLabelCharacters, `must have at most ${maxLabelCharacters} characters`));
const bodySchema = v.object(
  { label: v.optional(name), agentId: v.optional(name), cursor: v.optional(text) },
  "must be a JSON object",
);

export function cancelRoutes(deps: CancelDeps & { config: Config; latencies: Latencies }) {
  return {
    "POST /api/sessions/cancel": async (c: HttpContext) => c.json(await cancelAll(await readList(c), deps)),
    "POST /api/sessions/:id/cancel": async (c: HttpContext) => {
      const session = await cancel(await find(c, deps), deps);
      const facts = await deps.turns.read(session.sessionId);
      const expected = await deps.latencies.expected([session]);
      return c.json(describe(session, { facts, expected, prices: deps.config.prices }));
    },
  };
}

async function readList(c: HttpContext): Promise<CancelList> {
  const { label, agentId, cursor } = await readJson(c, (json) => parseStrictly(bodySchema, json));
  const { agents } = c.get("principal");
  const from = cursor === undefined ? {} : { below: readCursor(cursor) };
  if (label !== undefined && agentId === undefined) return { ...listOf(label, agents), ...from };
  if (agentId !== undefined && label === undefined) {
    checkAgent(agents, agentId);
    return { by: { agentIds: [agentId] }, ...from };
  }
  const param = label === undefined ? "label" : "agentId";
  throw new RequestError(400, "exactly one of label and agentId is needed", { param });
}

/** Whoever may see only some agents goes by their lists: a place in any other would name a session of others. */
function listOf(label: string, agents: AgentSet): CancelList {
  return agents === "*" ? { by: { label } } : { by: { agentIds: agents }, label };
}
