import * as v from "valibot";
import { type HttpApp, type HttpContext, readJson } from "../clients/http.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { parseStrictly } from "../domain/parse.ts";
import type { Latencies } from "../store/latencies.ts";
import type { ListQuery } from "../store/session-list.ts";
import { type CancelDeps, cancel, cancelAll } from "./cancel.ts";
import { find } from "./find.ts";
import { readCursor } from "./list.ts";
import { describe } from "./view.ts";

const name = v.optional(v.pipe(v.string("must be a string"), v.minLength(1, "must not be empty")));
const bodySchema = v.object({ label: name, agentId: name, cursor: name }, "must be a JSON object");

export function addCancelRoutes(app: HttpApp, deps: CancelDeps & { config: Config; latencies: Latencies }): void {
  app.post("/api/sessions/cancel", async (c) => c.json(await cancelAll(await readList(c), deps)));
  app.post("/api/sessions/:id/cancel", async (c) => {
    const session = await cancel(await find(c, deps), deps);
    const facts = await deps.turns.read(session.sessionId);
    const expected = await deps.latencies.expected([session]);
    return c.json(describe(session, { facts, expected, prices: deps.config.prices }));
  });
  for (const path of ["/api/sessions/cancel", "/api/sessions/:id/cancel"]) {
    app.all(path, () => {
      throw new RequestError(405, "this route takes POST", { headers: { allow: "POST" } });
    });
  }
}

async function readList(c: HttpContext): Promise<Pick<ListQuery, "by" | "below">> {
  const { label, agentId, cursor } = await readJson(c, (json) => parseStrictly(bodySchema, json));
  const from = cursor === undefined ? {} : { below: readCursor(cursor) };
  if (label !== undefined && agentId === undefined) return { by: { label }, ...from };
  if (agentId !== undefined && label === undefined) return { by: { agentIds: [agentId] }, ...from };
  const param = label === undefined ? "label" : "agentId";
  throw new RequestError(400, "exactly one of label and agentId is needed", { param });
}
