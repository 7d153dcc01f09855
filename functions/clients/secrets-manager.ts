import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Clock } from "../domain/clock.ts";
import { boundedRequests } from "./request-handler.ts";

/** A secret is read again after this long, so that a rotated one is taken up. */
const cacheSeconds = 300;

/** Secrets by name or ARN; never logged, never in the environment. */
export interface Secrets {
  /** @param maxAgeSeconds a cached one that is older is read anew */
  get(secretId: string, maxAgeSeconds?: number): Promise<string>;
  /** Forgets a secret that was refused, so that the next `get` reads it anew. */
  forget(secretId: string): void;
}

export function secretsManager(clock: Clock): Secrets {
  const client = new SecretsManagerClient({
    maxAttempts: 3,
    requestHandler: boundedRequests(5_000),
  });
  const cache = new Map<string, { value: string; readAt: number }>();
  return {
    async get(SecretId, maxAgeSeconds = cacheSeconds) {
      const cached = cache.get(SecretId);
      if (cached !== undefined && clock.now() < cached.readAt + maxAgeSeconds * 1000) return cached.value;
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }));
      if (SecretString === undefined || SecretString === "") throw new Error(`secret ${SecretId} has no value`);
      cache.set(SecretId, { value: SecretString, readAt: clock.now() });
      return SecretString;
    },
    forget(secretId) {
      cache.delete(secretId);
    },
  };
}
