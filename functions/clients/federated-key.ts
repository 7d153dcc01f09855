import { requireSecureTokenEndpoint } from "@anthropic-ai/sdk/lib/credentials/types";
import * as v from "valibot";
import type { Clock } from "../domain/clock.ts";
import type { Federation } from "../domain/config/index.ts";
import { parseJson } from "../domain/parse.ts";
import { type Key, oauthBeta } from "./key.ts";
import { KeyRefusedError, KeyUnreadError } from "./paid-call.ts";

export interface FederationOptions {
  federation: Federation;
  /** Instead of the federation's own: a token is good for one workspace. */
  workspaceId?: string;
  /** A fresh proof of who this function is, signed by AWS. @throws when there is none */
  proveIdentity: () => Promise<string>;
  clock: Clock;
  baseURL?: string;
  fetch?: typeof fetch;
}

const defaultBaseURL = "https://api.anthropic.com";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const exchangeBeta = "oidc-federation-2026-04-01";
const exchangeMs = 10_000;
/** The exchange makes no paid work, so a first failure that may pass is tried once more. */
const exchangeTries = 2;
/** A token is renewed this long before its end, so that none ends on its way. */
const renewalMs = 60_000;

const answerSchema = v.object({ access_token: v.pipe(v.string(), v.minLength(1)), expires_in: v.number() });

/** No key at all: AWS says who this function is, and Anthropic gives whoever its rule names a token that soon ends. */
export function federatedKey(options: FederationOptions): Key {
  const { clock } = options;
  let known: { token: string; endsAt: number } | undefined;
  let renewal: Promise<string> | undefined;
  const renew = async () => {
    known = await exchange(options);
    return known.token;
  };
  return {
    async read() {
      if (known !== undefined && clock.now() < known.endsAt - renewalMs) return known.token;
      // Whoever comes meanwhile waits for the same one.
      renewal ??= renew().finally(() => {
        renewal = undefined;
      });
      return renewal;
    },
    forget() {
      known = undefined;
    },
    isLogin: async () => false,
    betas: [oauthBeta],
  };
}

async function exchange(options: FederationOptions): Promise<{ token: string; endsAt: number }> {
  const proof = await options.proveIdentity().catch((cause: unknown) => {
    throw new KeyUnreadError("AWS does not say who this function is", { cause });
  });
  const begunAt = options.clock.now();
  const answer = await send(proof, options);
  const parsed = v.safeParse(answerSchema, parseJson(await answer.text()));
  if (answer.ok && parsed.success) {
    const { access_token: token, expires_in: seconds } = parsed.output;
    return { token, endsAt: begunAt + seconds * 1000 };
  }
  const isRefused = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
  if (isRefused) throw new KeyRefusedError(`the token exchange was refused with ${answer.status}`);
  throw new KeyUnreadError(`the token exchange answered ${answer.status}`);
}

async function send(proof: string, options: FederationOptions): Promise<Response> {
  const { federation, workspaceId = federation.workspaceId, baseURL = defaultBaseURL, fetch: call = fetch } = options;
  const body = {
    grant_type: grantType,
    assertion: proof,
    federation_rule_id: federation.federationRuleId,
    organization_id: federation.organizationId,
    ...(federation.serviceAccountId === undefined ? {} : { service_account_id: federation.serviceAccountId }),
    ...(workspaceId === undefined ? {} : { workspace_id: workspaceId }),
  };
  for (let tried = 1; ; tried += 1) {
    try {
      requireSecureTokenEndpoint(baseURL);
      const answer = await call(new URL("/v1/oauth/token", baseURL), {
        method: "POST",
        headers: { "content-type": "application/json", "anthropic-beta": `${oauthBeta},${exchangeBeta}` },
        body: JSON.stringify(body),
        // The proof goes to the host that was named, and to no other.
        redirect: "error",
        signal: AbortSignal.timeout(exchangeMs),
      });
      if (answer.status < 500 || tried >= exchangeTries) return answer;
    } catch (cause) {
      if (tried >= exchangeTries) throw new KeyUnreadError("the token exchange cannot be reached", { cause });
    }
  }
}
