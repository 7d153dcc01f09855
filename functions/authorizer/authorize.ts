import { createHash, timingSafeEqual } from "node:crypto";
import type { Secrets } from "../clients/secrets-manager.ts";
import { maxFailedLoginsPerMinute } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import type { Verdict } from "../domain/principal.ts";
import type { Logins } from "../store/logins.ts";

export interface AuthorizeInput {
  /** The `Authorization` header, if there is one. */
  authorization: string | undefined;
  /** The caller's address, by which failures are counted. */
  address: string;
}

export interface AuthorizeDeps {
  secrets: Secrets;
  tokenSecretId: string;
  logins: Logins;
  log: Log;
}

/** How old the token may be that a wrong one is held against: bounds the reads that wrong tokens can cause. */
const rotationSeconds = 10;

/** Whoever holds the deployment's one token. */
const client = "owner";

/** Says who asks, or why they may not. A valid token is never refused, however many failures its address has seen. */
export async function authorize({ authorization, address }: AuthorizeInput, deps: AuthorizeDeps): Promise<Verdict> {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  if (token !== undefined && (await isValid(token, deps))) return { client };
  const { failures, secondsLeft } = await deps.logins.countFailure(address);
  deps.log("login_failed", { failures });
  return failures > maxFailedLoginsPerMinute
    ? { refusal: "rate_limited", retryAfterSeconds: secondsLeft }
    : { refusal: "unauthorized" };
}

/** A token that was rotated in the last minutes is good at once: what does not fit the cached one is held against a fresh one. */
async function isValid(token: string, { secrets, tokenSecretId }: AuthorizeDeps): Promise<boolean> {
  if (isSame(token, await secrets.get(tokenSecretId))) return true;
  return isSame(token, await secrets.get(tokenSecretId, rotationSeconds));
}

/** Hashes of equal length are compared in constant time, so that neither content nor length of the token leaks. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
