import { type HttpApp, type HttpContext, httpApp, readText } from "../clients/http.ts";
import { iso } from "../domain/clock.ts";
import { RequestError } from "../domain/errors.ts";
import { sha256 } from "../domain/ids.ts";
import { maxIdempotencyKeyCharacters } from "../domain/limits.ts";
import { describeProblems, parseJson } from "../domain/parse.ts";
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
        request: parseBody(text),
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

function readIdempotencyKey(c: HttpContext): string | undefined {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return undefined;
  if (key.trim() === "" || key.length > maxIdempotencyKeyCharacters) {
    const message = `must have 1 to ${maxIdempotencyKeyCharacters} characters`;
    throw new RequestError(400, `Idempotency-Key: ${message}`, { param: "Idempotency-Key" });
  }
  return key;
}

function parseBody(text: string) {
  const json = parseJson(text);
  if (json === undefined) throw new RequestError(400, "the body is not JSON", { param: "body" });
  const parsed = parseSpawnBody(json);
  if (parsed.ok) return parsed.value;
  const [first] = parsed.problems;
  const param = first === undefined || first.path === "" ? "body" : first.path;
  throw new RequestError(400, describeProblems(parsed.problems), { param });
}
