import { type HttpApp, httpApp, parseBody, readIdempotencyKey, readText } from "../clients/http.ts";
import { iso } from "../domain/clock.ts";
import { RequestError, toErrorResponse } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { maxBulkBytes } from "../domain/limits.ts";
import { describeRouting } from "../domain/routing.ts";
import type { Session } from "../domain/session.ts";
import { parseSpawnBody } from "../domain/spawn-request.ts";
import type { Latencies } from "../store/latencies.ts";
import { readTasks, spawnAll } from "./bulk.ts";
import { spawnPaths } from "./env.ts";
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
    return c.json(acceptedView(session, await deps.latencies.expected([session])), 202);
  });
  addBulkRoute(app, deps);
  for (const path of spawnPaths) {
    app.all(path, () => {
      throw new RequestError(405, "spawn takes POST", { headers: { allow: "POST" } });
    });
  }
  return app;
}

/** `202` once the body could be taken apart: each of its tasks has its own answer, in their order. */
function addBulkRoute(app: HttpApp, deps: SpawnHttpDeps): void {
  app.post("/api/sessions/spawn/bulk", async (c) => {
    const idempotencyKey = readIdempotencyKey(c);
    const answers = await spawnAll(
      {
        tasks: readTasks(await readText(c, maxBulkBytes)),
        client: c.get("principal").client,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      },
      deps,
    );
    const sessions = answers.flatMap((answer) => ("session" in answer ? [answer.session] : []));
    const expected = await deps.latencies.expected(sessions);
    const results = answers.map((answer) =>
      "session" in answer ? acceptedView(answer.session, expected) : rejectedView(answer.error),
    );
    return c.json({ accepted: sessions.length, rejected: answers.length - sessions.length, results }, 202);
  });
}

function acceptedView(session: Session, expected: Awaited<ReturnType<Latencies["expected"]>>): object {
  const { sessionId, sessionKey, createdAt } = session;
  const routing = describeRouting(session, expected);
  return { status: "accepted", sessionId, sessionKey, createdAt: iso(createdAt), routing };
}

/** As a call of its own would have been answered. */
function rejectedView(cause: unknown): object {
  const { status, body } = toErrorResponse(cause);
  return { status: "rejected", httpStatus: status, ...body };
}
