import type { HttpContext } from "../clients/http.ts";
import { RequestError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { includesAgent } from "../domain/principal.ts";
import type { Session } from "../domain/session.ts";
import type { Sessions } from "../store/sessions.ts";

/** By id; ids are upper case, and keys are often written lower. One of an agent that is not theirs is not there for them. */
export async function find(c: HttpContext, { sessions }: { sessions: Sessions }): Promise<Session> {
  const id = (c.req.param("id") ?? "").toUpperCase();
  const session = isId(id) ? await sessions.get(id) : undefined;
  if (session === undefined || !includesAgent(c.get("principal").agents, session.agentId))
    throw new RequestError(404, "there is no such session", { param: "sessionId" });
  return session;
}
