import { createHash, timingSafeEqual } from "node:crypto";
import type { Secrets } from "../clients/secrets-manager.ts";
import type { Clock } from "../domain/clock.ts";
import { sha256 } from "../domain/ids.ts";
import { loginCacheSeconds, maxFailedLoginsPerMinute } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import { ownerClient, type Principal, scopes, type Verdict, verdictOn } from "../domain/principal.ts";
import { parseToken, type TokenState, tokenState } from "../domain/token.ts";
import type { Logins } from "../store/logins.ts";
import type { Tokens } from "../store/tokens.ts";

export interface AuthorizeInput {
  /** The `Authorization` header, if there is one. */
  authorization: string | undefined;
  /** The caller's address, by which failures are counted. */
  address: string;
}

export interface AuthorizeDeps {
  secrets: Secrets;
  tokenSecretId: string;
  tokens: Pick<Tokens, "find">;
  logins: Logins;
  clock: Clock;
  log: Log;
}

/** How old the token may be that a wrong one is held against: bounds the reads that wrong tokens can cause. */
const rotationSeconds = 10;

/** Whoever holds the deployment's own token, the first one there is. */
const owner: Principal = { client: ownerClient, scopes, agents: "*" };

/** Why somebody is not let in: without a token, with one that nobody gave out, or with one that is over. */
type Failure = { reason: "missing" | "unknown" | Exclude<TokenState, "live">; tokenId?: string };

/** Says who asks, or why they may not. A valid token is never refused, however many failures its address has seen. */
export async function authorize({ authorization, address }: AuthorizeInput, deps: AuthorizeDeps): Promise<Verdict> {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  const known = token === undefined ? ({ reason: "missing" } as const) : await holderOf(token, deps);
  if ("client" in known) return verdictOn(known);
  const { failures, secondsLeft } = await deps.logins.countFailure(address);
  deps.log("login_failed", { failures, ...known });
  return failures > maxFailedLoginsPerMinute
    ? { refusal: "rate_limited", retryAfterSeconds: secondsLeft }
    : { refusal: "unauthorized" };
}

async function holderOf(text: string, deps: AuthorizeDeps): Promise<Principal | Failure> {
  const { tokens, clock } = deps;
  const parts = parseToken(text);
  const token = parts === undefined ? undefined : await tokens.find(parts.id);
  if (token !== undefined && parts !== undefined && isSame(sha256(parts.secret), token.hash)) {
    const { id, name, scopes: granted, agents, endsAt } = token;
    const state = tokenState(token, clock.now());
    if (state !== "live") return { reason: state, tokenId: id };
    return { client: name, scopes: granted, agents, ...(endsAt === undefined ? {} : { endsAt }) };
  }
  return (await isOwners(text, deps)) ? owner : { reason: "unknown" };
}

/** A token that was rotated in the last minutes is good at once: what does not fit the cached one is held against a fresh one. */
async function isOwners(token: string, { secrets, tokenSecretId }: AuthorizeDeps): Promise<boolean> {
  if (isSame(token, await secrets.get(tokenSecretId, loginCacheSeconds))) return true;
  return isSame(token, await secrets.get(tokenSecretId, rotationSeconds));
}

/** Hashes of equal length are compared in constant time, so that neither content nor length of the token leaks. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
