import { type HttpApp, type HttpContext, httpApp, parseBody, readIdempotencyKey, readText } from "../clients/http.ts";
import { iso } from "../domain/clock.ts";
import { toErrorResponse } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { maxBulkBytes } from "../domain/limits.ts";
import { describeRouting } from "../domain/routing.ts";
import type { Session } from "../domain/session.ts";
import { parseSpawnBody } from "../domain/spawn-request.ts";
import type { Latencies } from "../store/latencies.ts";
import { readTasks, spawnAll } from "./bulk.ts";
import { type SpawnDeps, spawn } from "./spawn.ts";

export interface SpawnHttpDeps extends SpawnDeps {
  latencies: Latencies;
}

/** @param depsOfMany for a bulk call, which writes thousands of items at a time */
export function spawnApp(deps: SpawnHttpDeps, depsOfMany = () => deps): HttpApp {
  const handlers = {
    "POST /api/sessions/spawn": (c: HttpContext) => spawnOne(c, deps),
    "POST /api/sessions/spawn/bulk": (c: HttpContext) => spawnMany(c, depsOfMany()),
  };
  return httpApp("spawn", handlers, deps.log);
}

/** `202` before any model is called. */
async function spawnOne(c: HttpContext, deps: SpawnHttpDeps): Promise<Response> {
  const idempotencyKey = readIdempotencyKey(c);
  const text = await readText(c);
  const { client, agents } = c.get("principal");
  const session = await spawn(
    {
      request: parseBody(text, parseSpawnBody),
      client,
      agents,
      hash: sha256(text),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    },
    deps,
  );
  return c.json(acceptedView(session, await deps.latencies.expected([session])), 202);
}

/** `202` once the body could be taken apart: each of its tasks has its own answer, in their order. */
async function spawnMany(c: HttpContext, deps: SpawnHttpDeps): Promise<Response> {
  const idempotencyKey = readIdempotencyKey(c);
  const { client, agents } = c.get("principal");
  const answers = await spawnAll(
    {
      tasks: readTasks(await readText(c, maxBulkBytes)),
      client,
      agents,
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
