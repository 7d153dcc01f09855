import type { Lane } from "../domain/config/index.ts";
import { type Anthropic, createAnthropic } from "./anthropic.ts";
import type { Secrets } from "./secrets-manager.ts";

/** What a lane may have of its own. */
export type Credential = Pick<Lane, "apiKeySecret" | "workspaceId">;

/** Lanes with the same credential share a client, and one list of batches. */
export function credentialOf({ apiKeySecret = "", workspaceId = "" }: Credential): string {
  return `${apiKeySecret}|${workspaceId}`;
}

/** @param secretId the credential of every lane that names none of its own */
export function anthropicByLane(secrets: Secrets, secretId: string, baseURL?: string): (lane: Credential) => Anthropic {
  const clients = new Map<string, Anthropic>();
  return (lane) => {
    const credential = credentialOf(lane);
    const known = clients.get(credential);
    if (known !== undefined) return known;
    const made = createAnthropic({
      secrets,
      secretId: lane.apiKeySecret ?? secretId,
      ...(lane.workspaceId === undefined ? {} : { workspaceId: lane.workspaceId }),
      ...(baseURL === undefined || baseURL === "" ? {} : { baseURL }),
    });
    clients.set(credential, made);
    return made;
  };
}
