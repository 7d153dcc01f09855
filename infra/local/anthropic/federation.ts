import { ApiError, invalid } from "./api-error.ts";
import { isObject, type JsonObject, parseBody, refuseExtraKeys, requireString } from "./json.ts";

/** `POST /v1/oauth/token`: a proof of identity for a token that soon ends. */
export const tokenPath = "/v1/oauth/token";
const exchangeBeta = "oidc-federation-2026-04-01";
const oauthBeta = "oauth-2025-04-20";
const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const audience = "https://api.anthropic.com";
const tokenPrefix = "stand-in-federated.";
/** Ten minutes; Anthropic's rules may say otherwise. */
const tokenSeconds = 600;
const maxProofCharacters = 16 * 1024;
const bodyKeys = new Set([
  "grant_type",
  "assertion",
  "federation_rule_id",
  "organization_id",
  "service_account_id",
  "workspace_id",
]);

export interface TokenCall {
  body: string;
  betas: readonly string[];
  /** Milliseconds since the epoch. */
  now: number;
}

/** The stand-in believes whatever the proof says, as long as it is meant for Anthropic and has not ended. */
export function exchangeToken({ body, betas, now }: TokenCall, defaultWorkspaceId: string): JsonObject {
  if (!betas.includes(exchangeBeta)) throw invalid(`anthropic-beta: ${exchangeBeta} is required`);
  const asked = parseBody(body);
  refuseExtraKeys(asked, bodyKeys, "");
  if (requireString(asked["grant_type"], "grant_type") !== grantType) throw invalid("grant_type: is not supported");
  requireString(asked["federation_rule_id"], "federation_rule_id");
  requireString(asked["organization_id"], "organization_id");
  const workspaceId = requireString(asked["workspace_id"] ?? defaultWorkspaceId, "workspace_id");
  const proof = requireString(asked["assertion"], "assertion");
  if (proof.length > maxProofCharacters) throw invalid("assertion: is too long");
  const { aud, exp } = claimsOf(proof);
  if (aud !== audience || !(Number(exp) * 1000 > now))
    throw new ApiError("authentication_error", "no federation rule matches this identity");
  const access_token = `${tokenPrefix}${workspaceId}.${now + tokenSeconds * 1000}`;
  return { access_token, token_type: "Bearer", expires_in: tokenSeconds };
}

function claimsOf(proof: string): JsonObject {
  try {
    const claims: unknown = JSON.parse(Buffer.from(proof.split(".")[1] ?? "", "base64url").toString("utf8"));
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

export function isFederated(key: string): boolean {
  return key.startsWith(tokenPrefix);
}

/** Whom a token was given for, as long as it lasts; it is itself all that is known of it. */
export function workspaceOfToken(key: string, betas: readonly string[], now: number): string {
  const [workspaceId = "", endsAt = "0"] = key.slice(tokenPrefix.length).split(".");
  if (!betas.includes(oauthBeta))
    throw new ApiError("authentication_error", `anthropic-beta: ${oauthBeta} is required`);
  if (Number(endsAt) <= now) throw new ApiError("authentication_error", "the token has expired");
  return workspaceId;
}
