import * as v from "valibot";
import { RequestError } from "./errors.ts";

/** What a token may be good for: accept tasks and messages, read, take back, and see to tokens and sums. */
export const scopes = ["spawn", "read", "cancel", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** All agents, those of a later configuration too, or only these. */
export type AgentSet = "*" | readonly string[];

/** Whoever holds the deployment's own token. */
export const ownerClient = "owner";
/** Who accepts what nobody asked for over HTTP. */
export const cronClient = "cron";
export const busClient = "eventbridge";
/** A token of such a name could take the sessions of another for its own repeats. */
export const reservedClients: readonly string[] = [ownerClient, cronClient, busClient];

export interface Principal {
  /** Who asks, whichever token they use. */
  client: string;
  scopes: readonly Scope[];
  agents: AgentSet;
  /** When their token ends, in milliseconds since the epoch. */
  endsAt?: number;
}

const words = v.pipe(
  v.string(),
  v.transform((text) => text.split(" ").filter((word) => word !== "")),
);
const entrySchema = v.object({
  client: v.pipe(v.string(), v.minLength(1)),
  scopes: v.pipe(words, v.array(v.picklist(scopes))),
  agents: v.union([v.literal("*"), words]),
  endsAt: v.exactOptional(v.number()),
});
const schema = v.union([
  entrySchema,
  v.object({ refusal: v.literal("unauthorized") }),
  v.object({ refusal: v.literal("rate_limited"), retryAfterSeconds: v.number() }),
]);

/** What the authorizer says of a request: who asks, or why they were refused. Flat, as API Gateway passes it on. */
export type Verdict = v.InferInput<typeof schema>;

export function verdictOn({ client, scopes, agents, endsAt }: Principal): Verdict {
  const flat = { client, scopes: scopes.join(" "), agents: agents === "*" ? agents : agents.join(" ") };
  return endsAt === undefined ? flat : { ...flat, endsAt };
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

export function includesAgent(agents: AgentSet, agentId: string): boolean {
  return agents === "*" || agents.includes(agentId);
}

/**
 * Whoever names an agent is told of their own token, and nothing of the agent, not even whether it exists.
 * @throws RequestError 403 naming `agentId`
 */
export function checkAgent(agents: AgentSet, agentId: string): void {
  if (agents === "*" || agents.includes(agentId)) return;
  throw new RequestError(403, `agentId: this token is for ${agents.join(", ")} only`, { param: "agentId" });
}

/** @throws RequestError 403 naming the scope that is missing, or why some agents are not enough */
export function checkAccess(principal: Principal, needed: { scope: Scope; ofAllAgents?: true }): void {
  const { scope, ofAllAgents } = needed;
  if (!principal.scopes.includes(scope))
    throw new RequestError(403, `this token lacks the scope "${scope}"`, { param: "scope" });
  if (ofAllAgents === true && principal.agents !== "*")
    throw new RequestError(403, "this covers all agents and cannot be split: it takes a token for all of them");
}
