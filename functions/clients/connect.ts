import { BaseAnthropic } from "@anthropic-ai/sdk/client";
import { APIError } from "@anthropic-ai/sdk/error";
import type { SizedBody } from "./batch-body.ts";
import { KeyUnreadError } from "./paid-call.ts";
import type { Secrets } from "./secrets-manager.ts";

export interface AnthropicOptions {
  secrets: Secrets;
  /** The secret that holds the API key. */
  secretId: string;
  /** Sent as `anthropic-workspace-id`, for credentials that are valid for several workspaces. */
  workspaceId?: string;
  baseURL?: string;
  /** Without a network: what answers in its place. */
  fetch?: typeof fetch;
}

/** Lists and single batches: one that hangs must not hold up a tick, since the next one asks again. */
const quickCallMs = 20_000;
/** Longer than any create or real-time call is allowed to run: these are ended by their own signal. */
const longCallMs = 900_000;
/**
 * Whoever may have to send a body again to another address keeps a copy of it: `fetch` would hold all 250 MB of a batch. So a
 * redirect is an error, as it should be for a call that is paid.
 */
const sentOnce = { redirect: "error", window: null } as const;
/** What a subscription's login hands out: good for messages, with this beta, and never for batches. */
const loginTokenPrefix = "sk-ant-oat";
export const loginTokenBeta = "oauth-2025-04-20";

/** A client of the SDK for one credential, and the ways of calling it. */
export function connect({ secrets, secretId, workspaceId, baseURL, fetch }: AnthropicOptions) {
  const client = new BaseAnthropic({
    apiKey: () => readKey(secrets, secretId),
    maxRetries: 0,
    timeout: quickCallMs,
    logLevel: "off",
    openTelemetry: false,
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(workspaceId === undefined ? {} : { defaultHeaders: { "anthropic-workspace-id": workspaceId } }),
  });
  // A rotated key is taken up by the call after the one that was refused.
  const noteRefusal = (error: unknown) => {
    if (error instanceof APIError && error.status === 401) secrets.forget(secretId);
  };
  const reading = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      noteRefusal(error);
      throw error;
    }
  };
  const isLogin = async () => (await readKey(secrets, secretId)).startsWith(loginTokenPrefix);
  const post = async (
    path: string,
    content: string | SizedBody,
    betas: readonly string[],
    timeoutMs: number,
  ): Promise<Response> => {
    const all = (await isLogin()) ? [...betas, loginTokenBeta] : betas;
    const headers = {
      "content-type": "application/json",
      ...(typeof content === "string" ? {} : { "content-length": String(content.bytes) }),
      ...(all.length === 0 ? {} : { "anthropic-beta": all.join(",") }),
    };
    const body = typeof content === "string" ? content : content.stream;
    return client
      .post(path, {
        body,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        timeout: longCallMs,
        maxRetries: 0,
        fetchOptions: sentOnce,
      })
      .asResponse();
  };

  return { client, post, reading, isLogin, noteRefusal };
}

async function readKey(secrets: Secrets, secretId: string): Promise<string> {
  try {
    return await secrets.get(secretId);
  } catch (cause) {
    throw new KeyUnreadError(`the secret ${secretId} cannot be read`, { cause });
  }
}
