import type { Clock } from "../domain/clock.ts";
import { type Config, type Federation, type Lane, noKey } from "../domain/config/index.ts";
import { once } from "../domain/once.ts";
import { type Anthropic, createAnthropic } from "./anthropic.ts";
import { federatedKey } from "./federated-key.ts";
import { secretKey } from "./key.ts";
import { type Secrets, secretsManager } from "./secrets-manager.ts";
import { identityProver } from "./sts.ts";

/** What a lane may have of its own. */
export type Credential = Pick<Lane, "apiKeySecret" | "workspaceId">;

/** Lanes with the same credential share a client, and one list of batches. */
export function credentialOf({ apiKeySecret = "", workspaceId = "" }: Credential): string {
  return `${apiKeySecret}|${workspaceId}`;
}

export interface Credentials {
  secrets: Secrets;
  /** The key of every lane that names none of its own; `noKey` where they are let in by the federation. */
  secretId: string;
  federation: Federation | undefined;
  clock: Clock;
  /** Where the API is, if not at Anthropic's. */
  baseURL: string | undefined;
}

type CredentialEnvironment = (name: "OFFPEAK_API_KEY_SECRET") => string;

/** With the secret that the environment names, or by the federation of the configuration; `ANTHROPIC_BASE_URL` says where, as to the SDK. */
export function openAnthropic(env: CredentialEnvironment, { federation }: Pick<Config, "federation">, clock: Clock) {
  const baseURL = process.env["ANTHROPIC_BASE_URL"];
  return anthropicByLane({
    secrets: secretsManager(clock),
    secretId: env("OFFPEAK_API_KEY_SECRET"),
    federation,
    clock,
    baseURL,
  });
}

export function anthropicByLane(credentials: Credentials): (lane: Credential) => Anthropic {
  const { baseURL } = credentials;
  const proveIdentity = once(identityProver);
  const clients = new Map<string, Anthropic>();
  return (lane) => {
    const credential = credentialOf(lane);
    const known = clients.get(credential);
    if (known !== undefined) return known;
    const made = createAnthropic({
      ...keyOf(lane, credentials, () => proveIdentity()()),
      ...(baseURL === undefined || baseURL === "" ? {} : { baseURL }),
    });
    clients.set(credential, made);
    return made;
  };
}

/** A federated token is good for one workspace, which is named where it is given out, and not with each call. */
function keyOf(
  { apiKeySecret, workspaceId }: Credential,
  credentials: Credentials,
  proveIdentity: () => Promise<string>,
) {
  const { secrets, secretId, federation, clock, baseURL } = credentials;
  const workspace = workspaceId === undefined ? {} : { workspaceId };
  if (apiKeySecret === undefined && secretId === noKey && federation !== undefined) {
    const api = baseURL === undefined || baseURL === "" ? {} : { baseURL };
    return { key: federatedKey({ federation, proveIdentity, clock, ...workspace, ...api }) };
  }
  return { key: secretKey(secrets, apiKeySecret ?? secretId), ...workspace };
}
