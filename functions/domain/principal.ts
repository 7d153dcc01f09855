import * as v from "valibot";
import { RequestError } from "./errors.ts";

const schema = v.union([
  v.object({ client: v.pipe(v.string(), v.minLength(1)) }),
  v.object({ refusal: v.literal("unauthorized") }),
  v.object({ refusal: v.literal("rate_limited"), retryAfterSeconds: v.number() }),
]);

/** What the authorizer says of a request: who asks, or why they were refused. Flat, as API Gateway passes it on. */
export type Verdict = v.InferOutput<typeof schema>;

export interface Principal {
  /** Who asks, whichever token they use. */
  client: string;
}

/**
 * The authorizer only tells; whoever answers the request decides, so that a refusal has the same form as every other
 * error. No verdict means no entry.
 * @throws RequestError 401 or 429
 */
export function principalFrom(verdict: unknown): Principal {
  const parsed = v.safeParse(schema, verdict);
  if (parsed.success && "client" in parsed.output) return parsed.output;
  if (parsed.success && "retryAfterSeconds" in parsed.output) {
    const retryAfter = String(parsed.output.retryAfterSeconds);
    throw new RequestError(429, "too many failed logins from this address", { headers: { "retry-after": retryAfter } });
  }
  const headers = { "www-authenticate": "Bearer" };
  throw new RequestError(401, "send a valid token as `Authorization: Bearer <token>`", { headers });
}
