import { type HttpApp, type HttpContext, httpApp } from "../clients/http.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { deliveryId } from "../domain/ids.ts";
import { type Session, type Status, statuses } from "../domain/session.ts";
import type { Latencies } from "../store/latencies.ts";
import type { TurnFacts } from "../store/turn-items.ts";
import type { CacheChoiceDeps } from "../turns/cache-choice.ts";
import { withDeliveries } from "../turns/told.ts";
import { adviceRoutes } from "./advice.ts";
import { agentRoutes } from "./agents.ts";
import { type BatchesDeps, batchRoutes } from "./batches.ts";
import { type BudgetsDeps, budgetRoutes } from "./budgets.ts";
import type { CancelDeps } from "./cancel.ts";
import { cancelRoutes } from "./cancel-http.ts";
import { find } from "./find.ts";
import type { FollowUpDeps } from "./follow-up.ts";
import { followUpRoutes } from "./follow-up-http.ts";
import { type LanesDeps, laneRoutes } from "./lanes.ts";
import { type ListInput, listPage, readLimit, readTime } from "./list.ts";
import { checkName, readParameters } from "./parameters.ts";
import { type TokensDeps, tokenRoutes } from "./tokens.ts";
import { type UsageDeps, usageRoutes } from "./usage.ts";
import { describe, summarize, transcript } from "./view.ts";

export interface SessionsDeps
  extends CacheChoiceDeps,
    LanesDeps,
    BatchesDeps,
    CancelDeps,
    FollowUpDeps,
    UsageDeps,
    BudgetsDeps,
    TokensDeps {
  config: Config;
  latencies: Latencies;
}

/** The rest of the HTTP API: what became of a session. */
export function sessionsApp(deps: SessionsDeps): HttpApp {
  const handlers = {
    ...sessionRoutes(deps),
    ...cancelRoutes(deps),
    ...followUpRoutes(deps),
    ...adviceRoutes(deps),
    ...agentRoutes(deps),
    ...laneRoutes(deps),
    ...batchRoutes(deps),
    ...usageRoutes(deps),
    ...budgetRoutes(deps),
    ...tokenRoutes(deps),
  };
  return httpApp("sessions", handlers, deps.log);
}

function sessionRoutes(deps: SessionsDeps) {
  return {
    "GET /api/sessions": async (c: HttpContext) => {
      const page = await listPage(readListInput(c), deps);
      const expected = await deps.latencies.expected(page.sessions);
      const sessions = await withDeliveries(page.sessions, deps.turns);
      return c.json({ ...page, sessions: sessions.map((session) => summarize(session, expected)) });
    },
    "GET /api/sessions/:id": async (c: HttpContext) => {
      readParameters(c, []);
      const session = await find(c, deps);
      const facts = await readFacts(session, deps);
      const expected = await deps.latencies.expected([session]);
      return c.json(describe(session, { facts, expected, prices: deps.config.prices }));
    },
    "GET /api/sessions/:id/history": async (c: HttpContext) => {
      readParameters(c, []);
      const session = await find(c, deps);
      const facts = await deps.turns.read(session.sessionId);
      return c.json({ sessionId: session.sessionId, messages: await transcript(session, facts, deps.turns) });
    },
  };
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
  const query = readParameters(c, ["agentId", "label", "status", "from", "to", "cursor", "limit"]);
  const { agentId, label, cursor, from, to } = query;
  const status = readStatus(query.status);
  checkName(agentId, "agentId");
  checkName(label, "label");
  return {
    limit: readLimit(query.limit),
    agents: c.get("principal").agents,
    ...(agentId === undefined ? {} : { agentId }),
    ...(label === undefined ? {} : { label }),
    ...(from === undefined ? {} : { from: readTime(from, "from") }),
    ...(to === undefined ? {} : { to: readTime(to, "to") }),
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
