import { BaseAnthropic } from "@anthropic-ai/sdk/client";
import { APIError } from "@anthropic-ai/sdk/error";
import type { SizedBody } from "./batch-body.ts";
import { type Key, oauthBeta } from "./key.ts";

export interface AnthropicOptions {
  key: Key;
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

/** A client of the SDK for one key, and the ways of calling it. */
export function connect({ key, workspaceId, baseURL, fetch }: AnthropicOptions) {
  const named = { "anthropic-workspace-id": workspaceId, "anthropic-beta": key.betas.join(",") || undefined };
  const client = new BaseAnthropic({
    apiKey: key.read,
    maxRetries: 0,
    timeout: quickCallMs,
    logLevel: "off",
    openTelemetry: false,
    ...(baseURL === undefined ? {} : { baseURL }),
    ...(fetch === undefined ? {} : { fetch }),
    defaultHeaders: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
  });
  /** A 401 proves that nothing was done, paid work or other: where there is another key by now, the call is made once more. */
  const letIn = async <T>(call: () => Promise<T>): Promise<T> => {
    const used = await key.read();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof APIError && error.status === 401)) throw error;
      key.forget();
      const another = await key.read().catch(() => used);
      if (another === used) throw error;
      return call();
    }
  };
  const betasOf = async () => ((await key.isLogin()) ? [...key.betas, oauthBeta] : key.betas);
  /** @param signal ends it, whatever state it is in */
  const post = async (path: string, content: string | SizedBody, betas: readonly string[], signal: AbortSignal) => {
    const all = [...betas, ...(await betasOf())];
    const headers = {
      "content-type": "application/json",
      ...(typeof content === "string" ? {} : { "content-length": String(content.bytes) }),
      ...(all.length === 0 ? {} : { "anthropic-beta": all.join(",") }),
    };
    const body = typeof content === "string" ? content : content.stream;
    const once = { timeout: longCallMs, maxRetries: 0, fetchOptions: sentOnce };
    return client.post(path, { body, headers, signal, ...once }).asResponse();
  };
  return { client, post, letIn, betasOf };
}
