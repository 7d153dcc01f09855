import { type HttpApp, httpApp, parseBody, readIdempotencyKey, readText } from "../clients/http.ts";
import { iso } from "../domain/clock.ts";
import { RequestError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { describeRouting } from "../domain/routing.ts";
import { parseSpawnBody } from "../domain/spawn-request.ts";
import type { Latencies } from "../store/latencies.ts";
import { type SpawnDeps, spawn } from "./spawn.ts";

export interface SpawnHttpDeps extends SpawnDeps {
  latencies: Latencies;
}

/** `POST /api/sessions/spawn` → `202` before any model is called. */
export function spawnApp(deps: SpawnHttpDeps): HttpApp {
  const app = httpApp(deps.log);
  app.post("/api/sessions/spawn", async (c) => {
    const idempotencyKey = readIdempotencyKey(c);
    const text = await readText(c);
    const session = await spawn(
      {
        request: parseBody(text, parseSpawnBody),
        client: c.get("principal").client,
        hash: sha256(text),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      },
      deps,
    );
    const { sessionId, sessionKey, createdAt } = session;
    const routing = describeRouting(session, await deps.latencies.expected([session]));
    return c.json({ status: "accepted", sessionId, sessionKey, createdAt: iso(createdAt), routing }, 202);
  });
  app.all("/api/sessions/spawn", () => {
    throw new RequestError(405, "spawn takes POST", { headers: { allow: "POST" } });
  });
  return app;
}
