import { type HttpApp, type HttpContext, httpApp } from "../clients/http.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { deliveryId } from "../domain/ids.ts";
import { type Session, type Status, statuses } from "../domain/session.ts";
import type { Latencies } from "../store/latencies.ts";
import type { TurnFacts } from "../store/turn-items.ts";
import type { CacheChoiceDeps } from "../turns/cache-choice.ts";
import { withDeliveries } from "../turns/told.ts";
import { addAdviceRoute } from "./advice.ts";
import { addAgentsRoute } from "./agents.ts";
import { addBatchRoutes, type BatchesDeps } from "./batches.ts";
import { addBudgetRoutes, type BudgetsDeps } from "./budgets.ts";
import type { CancelDeps } from "./cancel.ts";
import { addCancelRoutes } from "./cancel-http.ts";
import { find } from "./find.ts";
import type { FollowUpDeps } from "./follow-up.ts";
import { addFollowUpRoute } from "./follow-up-http.ts";
import { addLaneRoutes, type LanesDeps } from "./lanes.ts";
import { type ListInput, listPage, readLimit } from "./list.ts";
import { readParameters } from "./parameters.ts";
import { addUsageRoutes, type UsageDeps } from "./usage.ts";
import { describe, summarize, transcript } from "./view.ts";

export interface SessionsDeps
  extends CacheChoiceDeps,
    LanesDeps,
    BatchesDeps,
    CancelDeps,
    FollowUpDeps,
    UsageDeps,
    BudgetsDeps {
  config: Config;
  latencies: Latencies;
}

const readOnly = [
  "/api/sessions",
  "/api/sessions/:id",
  "/api/sessions/:id/history",
  "/api/advice",
  "/api/agents",
  "/api/lanes",
  "/api/batches",
  "/api/batches/:id",
  "/api/usage",
  "/api/budgets",
];

/** The rest of the HTTP API: what became of a session. */
export function sessionsApp(deps: SessionsDeps): HttpApp {
  const app = httpApp(deps.log);
  addCancelRoutes(app, deps);
  addFollowUpRoute(app, deps);
  app.get("/api/sessions", async (c) => {
    const page = await listPage(readListInput(c), deps);
    const expected = await deps.latencies.expected(page.sessions);
    const sessions = await withDeliveries(page.sessions, deps.turns);
    return c.json({ ...page, sessions: sessions.map((session) => summarize(session, expected)) });
  });
  app.get("/api/sessions/:id", async (c) => {
    readParameters(c, []);
    const session = await find(c, deps);
    const facts = await readFacts(session, deps);
    const expected = await deps.latencies.expected([session]);
    return c.json(describe(session, { facts, expected, prices: deps.config.prices }));
  });
  app.get("/api/sessions/:id/history", async (c) => {
    readParameters(c, []);
    const session = await find(c, deps);
    const facts = await deps.turns.read(session.sessionId);
    return c.json({ sessionId: session.sessionId, messages: await transcript(session, facts, deps.turns) });
  });
  addAdviceRoute(app, deps);
  addAgentsRoute(app, deps);
  addLaneRoutes(app, deps);
  addBatchRoutes(app, deps);
  addUsageRoutes(app, deps);
  addBudgetRoutes(app, deps);
  for (const path of readOnly) {
    app.all(path, () => {
      throw new RequestError(405, "this route takes GET", { headers: { allow: "GET" } });
    });
  }
  return app;
}

/** With the delivery of its current turn, wherever that was noted. */
async function readFacts(session: Session, { turns }: SessionsDeps): Promise<TurnFacts> {
  const { sessionId, turn, page } = session;
  const facts = await turns.read(sessionId);
  if (page === undefined || facts.deliveries.has(turn)) return facts;
  const at = (await turns.delivered([session])).get(sessionId);
  if (at !== undefined) facts.deliveries.set(turn, { turn, id: deliveryId(sessionId, turn), at });
  return facts;
}

function readListInput(c: HttpContext): ListInput {
  const query = readParameters(c, ["agentId", "label", "status", "cursor", "limit"]);
  const { agentId, label, cursor } = query;
  const status = readStatus(query.status);
  return {
    limit: readLimit(query.limit),
    ...(agentId === undefined ? {} : { agentId }),
    ...(label === undefined ? {} : { label }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(status === undefined ? {} : { status }),
  };
}

function readStatus(text: string | undefined): Status | undefined {
  if (text === undefined) return undefined;
  const status = statuses.find((one) => one === text);
  if (status === undefined)
    throw new RequestError(400, `status: must be one of ${statuses.join(", ")}`, { param: "status" });
  return status;
}
