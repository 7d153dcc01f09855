import * as v from "valibot";
import { RequestError } from "./errors.ts";
import { isId } from "./ids.ts";
import { maxTokenAgents, maxTokenSeconds } from "./limits.ts";
import { parseStrictly } from "./parse.ts";
import { type AgentSet, includesAgent, type Principal, reservedClients, type Scope, scopes } from "./principal.ts";
import type { Parsed } from "./spawn-request.ts";

/** In the table all tokens are in one partition, since they are few, and failed logins in one an address. */
export const tokenPartition = "TOKEN";
export const loginPartition = "LOGIN#";

/** What is known of a token: all but its secret, of which there is only the hash. */
export interface Token {
  id: string;
  /** Hexadecimal SHA-256 of the secret, which is random enough to need no salt. */
  hash: string;
  /** Who holds it. Two tokens of one name are one client: so a token is rotated. */
  name: string;
  scopes: readonly Scope[];
  agents: AgentSet;
  createdAt: number;
  createdBy: string;
  endsAt?: number;
  revokedAt?: number;
}

export function formatToken(id: string, secret: string): string {
  return `offpeak_${id}_${secret}`;
}

/** `undefined` for what is no token of ours by its form; the deployment's own one is a plain text. */
export function parseToken(text: string): { id: string; secret: string } | undefined {
  const [, id = "", secret = ""] = /^offpeak_([0-9A-Z]{26})_([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  return isId(id) ? { id, secret } : undefined;
}

export type TokenState = "live" | "expired" | "revoked";

export function tokenState({ endsAt, revokedAt }: Token, now: number): TokenState {
  if (revokedAt !== undefined) return "revoked";
  return endsAt !== undefined && now >= endsAt ? "expired" : "live";
}

export interface TokenRequest {
  name: string;
  scopes: readonly Scope[];
  agents: AgentSet;
  expiresInSeconds?: number;
}

const agentsForm = `must be "*", or a list of 1 to ${maxTokenAgents} different ids of agents`;
const isDistinct = (words: readonly string[]) => new Set(words).size === words.length;
const seconds = `must be an integer from 1 to ${maxTokenSeconds}`;
const bodySchema = v.object(
  {
    name: v.pipe(
      v.string("must be a string"),
      v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "must match ^[a-z0-9][a-z0-9._-]{0,63}$"),
      v.check((name) => !reservedClients.includes(name), `must not be one of ${reservedClients.join(", ")}`),
    ),
    scopes: v.pipe(
      v.array(v.picklist(scopes, `must be one of ${scopes.join(", ")}`), "must be a list"),
      v.minLength(1, "must have one or more"),
      v.check((words) => isDistinct(words), "must not repeat one"),
    ),
    agents: v.union(
      [
        v.literal("*"),
        v.pipe(
          v.array(v.pipe(v.string(agentsForm), v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be the id of an agent"))),
          v.minLength(1, agentsForm),
          v.maxLength(maxTokenAgents, agentsForm),
          v.check((ids) => isDistinct(ids), agentsForm),
        ),
      ],
      agentsForm,
    ),
    expiresInSeconds: v.exactOptional(
      v.pipe(v.number(seconds), v.integer(seconds), v.minValue(1, seconds), v.maxValue(maxTokenSeconds, seconds)),
    ),
  },
  "must be a JSON object",
);

export function parseTokenBody(json: unknown): Parsed<TokenRequest> {
  return parseStrictly(bodySchema, json);
}

/** Whether whoever asks has all that a token has: only such they make, see and revoke. */
export function isWithin(token: Pick<Token, "scopes" | "agents">, asker: Principal): boolean {
  const { agents } = token;
  const areAgentsHad =
    agents === "*" ? asker.agents === "*" : agents.every((agentId) => includesAgent(asker.agents, agentId));
  return areAgentsHad && token.scopes.every((scope) => asker.scopes.includes(scope));
}

/**
 * Nobody hands on more than they have: no scope, no agent, and no longer than their own token lasts.
 * @returns when the new one ends
 * @throws RequestError 403 naming the field
 */
export function checkMayGrant(request: TokenRequest, asker: Principal, now: number): number | undefined {
  const refused = (param: string, what: string) =>
    new RequestError(403, `${param}: a token makes none with more than it has${what}`, { param });
  if (!isWithin({ scopes: request.scopes, agents: [] }, asker)) throw refused("scopes", `: ${asker.scopes.join(", ")}`);
  if (!isWithin({ scopes: [], agents: request.agents }, asker)) {
    throw refused("agents", asker.agents === "*" ? "" : `: ${asker.agents.join(", ")}`);
  }
  const { expiresInSeconds } = request;
  const endsAt = expiresInSeconds === undefined ? undefined : now + expiresInSeconds * 1000;
  if (asker.endsAt !== undefined && (endsAt ?? Number.POSITIVE_INFINITY) > asker.endsAt) {
    const left = Math.max(0, Math.floor((asker.endsAt - now) / 1000));
    throw refused("expiresInSeconds", `: it ends in ${left} seconds`);
  }
  return endsAt;
}
