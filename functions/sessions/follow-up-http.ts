import { type HttpContext, parseBody, readIdempotencyKey, readText } from "../clients/http.ts";
import { parseFollowUpBody } from "../domain/follow-up-request.ts";
import { sha256 } from "../domain/ids.ts";
import { find } from "./find.ts";
import { type FollowUpDeps, followUp } from "./follow-up.ts";

/** `POST /api/sessions/{id}/messages` → `202` with the turn, before any model is called. */
export function followUpRoutes(deps: FollowUpDeps) {
  return {
    "POST /api/sessions/:id/messages": async (c: HttpContext) => {
      const idempotencyKey = readIdempotencyKey(c);
      const text = await readText(c);
      const request = parseBody(text, parseFollowUpBody);
      const session = await find(c, deps);
      const key = idempotencyKey === undefined ? {} : { idempotencyKey };
      const input = { session, request, client: c.get("principal").client, hash: sha256(text), ...key };
      return c.json({ sessionId: session.sessionId, turn: await followUp(input, deps) }, 202);
    },
  };
}
