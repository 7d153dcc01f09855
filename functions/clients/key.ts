import { KeyUnreadError } from "./paid-call.ts";
import type { Secrets } from "./secrets-manager.ts";

/** What a client of Anthropic's API is let in with. */
export interface Key {
  /** @throws KeyUnreadError */
  read(): Promise<string>;
  /** The one that was read last was refused: the next `read` looks for another. */
  forget(): void;
  /** Whether it is what a subscription's login hands out: good for messages, with a beta, and never for batches. */
  isLogin(): Promise<boolean>;
  /** Beta features that every call with it has to name. */
  betas: readonly string[];
}

/** Every token that is no API key, a login's or a federated one, is sent with this beta. */
export const oauthBeta = "oauth-2025-04-20";
const loginPrefix = "sk-ant-oat";

/** A key that somebody put into a secret. */
export function secretKey(secrets: Secrets, secretId: string): Key {
  const read = async () => {
    try {
      return await secrets.get(secretId);
    } catch (cause) {
      throw new KeyUnreadError(`the secret ${secretId} cannot be read`, { cause });
    }
  };
  return {
    read,
    forget: () => secrets.forget(secretId),
    isLogin: async () => (await read()).startsWith(loginPrefix),
    betas: [],
  };
}
