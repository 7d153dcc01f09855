import { ApiError, invalid } from "./api-error.ts";
import { isFederated, workspaceOfToken } from "./federation.ts";
import type { Caller } from "./model.ts";

/** Who is let in, and as whom. */
export interface Access {
  /** From key to workspace; without it every key is good for `defaultWorkspaceId`. */
  keys?: ReadonlyMap<string, string>;
  organizationId: string;
  defaultWorkspaceId: string;
  /** Milliseconds since the epoch: federated tokens end. */
  now: () => number;
}

interface Head {
  url: string;
  headers: Readonly<Record<string, string | undefined>>;
}

const versions = ["2023-06-01", "2026-10-21"];
/** Tokens of a subscription's login: they are good for messages and know no batches. */
const loginTokenPrefix = "sk-ant-oat";

/** Reads key, version, betas and workspace from the headers; throws 401, 403, 404 or 400 in that order. */
export function authenticate({ url, headers }: Head, access: Access): Caller {
  const key = headers["x-api-key"] ?? /^Bearer (.+)$/i.exec(headers["authorization"] ?? "")?.[1];
  if (key === undefined) throw new ApiError("authentication_error", "x-api-key header is required");
  const betas = betasIn(headers);
  const workspaceId = isFederated(key)
    ? workspaceOfToken(key, betas, access.now())
    : access.keys === undefined
      ? access.defaultWorkspaceId
      : access.keys.get(key);
  if (workspaceId === undefined) throw new ApiError("authentication_error", "invalid x-api-key");
  const named = headers["anthropic-workspace-id"];
  if (named !== undefined && named !== workspaceId) {
    throw new ApiError("permission_error", "This credential does not belong to the workspace that the request names.");
  }
  if (key.startsWith(loginTokenPrefix) && url.startsWith("/v1/messages/batches")) {
    throw new ApiError("not_found_error", "Not found");
  }
  const version = headers["anthropic-version"];
  if (version === undefined) throw invalid("anthropic-version: header is required");
  if (!versions.includes(version)) throw invalid(`anthropic-version: "${version}" is not a valid version`);
  return { workspaceId, version, betas };
}

export function betasIn(headers: Head["headers"]): string[] {
  const betas = (headers["anthropic-beta"] ?? "").split(",").map((beta) => beta.trim());
  return betas.filter((beta) => beta !== "");
}
