import { BaseAnthropic } from "@anthropic-ai/sdk/client";
import { APIConnectionError, APIError, APIUserAbortError } from "@anthropic-ai/sdk/error";
import { type Batch, parseBatch, parseBatchPage } from "../domain/batch.ts";
import type { RefusedAnswer } from "../domain/create-outcome.ts";
import { nameOf } from "../domain/errors.ts";
import type { ApiErrorBody } from "../domain/outcome.ts";
import { parseJson } from "../domain/parse.ts";
import { splitLines } from "./lines.ts";
import type { Secrets } from "./secrets-manager.ts";

/** What came of a call that creates paid work. `unknown` is everything that does not prove whether work was created. */
export type PaidCall<T> =
  | ({ kind: "accepted"; workspaceId?: string } & T)
  | { kind: "refused"; answer: RefusedAnswer }
  | { kind: "unknown"; message: string };

export interface BatchList {
  batches: Batch[];
  /** The workspace that answered; a list of another one proves nothing. */
  workspaceId?: string;
  /** Whether it reaches back as far as was asked. */
  complete: boolean;
}

/** Anthropic's API. No call is ever repeated in here: what to do after a failure is the caller's decision. */
export interface Anthropic {
  /** One POST. `lines` are the serialized requests; after `timeoutMs` the call is ended, whatever state it is in. */
  createBatch(call: {
    lines: readonly string[];
    betas: readonly string[];
    timeoutMs: number;
  }): Promise<PaidCall<{ batch: Batch }>>;
  /** Newest first, back to `createdAfter` (milliseconds since the epoch). */
  listBatches(createdAfter: number): Promise<BatchList>;
  /** `undefined` for 404, which has been seen for batches that exist. */
  retrieveBatch(batchId: string): Promise<Batch | undefined>;
  /** Asks that nothing more of a batch be begun: free, and as good twice. Refused where the batch has ended. */
  cancelBatch(batchId: string): Promise<void>;
  /** The lines of the result file as received, in any order; `undefined` for 404. Rejects when the file breaks off. */
  results(batch: Batch): Promise<AsyncIterable<string> | undefined>;
  /** Whether the credential is good for anything at all: a list of models costs nothing. */
  isServed(): Promise<boolean>;
  /** One POST of the real-time Messages API; `text` is the body of the answer as received. */
  createMessage(call: {
    body: string;
    betas: readonly string[];
    timeoutMs: number;
  }): Promise<PaidCall<{ text: string }>>;
}

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

const listPageSize = 1_000;
/** 100 pages of 1,000: more batches than a workspace can create in a month of ticks. */
const maxListPages = 100;
/** Lists and single batches: one that hangs must not hold up a tick, since the next one asks again. */
const quickCallMs = 20_000;
/** Longer than any create or real-time call is allowed to run: these are ended by their own signal. */
const longCallMs = 900_000;
const unreachedCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);
/** What a subscription's login hands out: good for messages, with this beta, and never for batches. */
const loginTokenPrefix = "sk-ant-oat";
const loginTokenBeta = "oauth-2025-04-20";
const batchesPath = "/v1/messages/batches";

export function createAnthropic({ secrets, secretId, workspaceId, baseURL, fetch }: AnthropicOptions): Anthropic {
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
  const post = async (path: string, body: string, betas: readonly string[], timeoutMs: number): Promise<Response> => {
    const all = (await isLogin()) ? [...betas, loginTokenBeta] : betas;
    const headers = {
      "content-type": "application/json",
      ...(all.length === 0 ? {} : { "anthropic-beta": all.join(",") }),
    };
    return client
      .post(path, { body, headers, signal: AbortSignal.timeout(timeoutMs), timeout: longCallMs, maxRetries: 0 })
      .asResponse();
  };

  return {
    createBatch: ({ lines, betas, timeoutMs }) =>
      paidCall(noteRefusal, async () => {
        if (await isLogin()) {
          // Another kind of key may be there when the next one asks.
          secrets.forget(secretId);
          throw new NoBatchesError();
        }
        const response = await post(batchesPath, `{"requests":[${lines.join(",")}]}`, betas, timeoutMs);
        const batch = parseBatch(parseJson(await response.text()));
        return batch === undefined ? undefined : { batch, ...workspaceOf(response) };
      }),
    listBatches: (createdAfter) => reading(listBatches(client, createdAfter)),
    async retrieveBatch(batchId) {
      const body = await reading(
        absentIfNotFound(client.get<unknown>(`${batchesPath}/${encodeURIComponent(batchId)}`)),
      );
      const batch = parseBatch(body);
      if (body !== undefined && batch === undefined) throw new Error("the answer is not a batch");
      return batch;
    },
    async cancelBatch(batchId) {
      await client.post(`${batchesPath}/${encodeURIComponent(batchId)}/cancel`).asResponse();
    },
    async results(batch) {
      const url = resultsUrl(client.baseURL, batch);
      const abort = new AbortController();
      const response = await reading(
        absentIfNotFound(
          client.get<Response>(url, {
            headers: { Accept: "application/binary" },
            __binaryResponse: true,
            signal: abort.signal,
          }),
        ),
      );
      return response?.body == null ? undefined : splitLines(response.body, abort);
    },
    async isServed() {
      try {
        const headers = (await isLogin()) ? { "anthropic-beta": loginTokenBeta } : {};
        await reading(client.get<unknown>("/v1/models", { query: { limit: 1 }, headers }));
        return true;
      } catch {
        return false;
      }
    },
    createMessage: ({ body, betas, timeoutMs }) =>
      paidCall(noteRefusal, async () => {
        const response = await post("/v1/messages", body, betas, timeoutMs);
        return { text: await response.text(), ...workspaceOf(response) };
      }),
  };
}

/** The credential goes to the API's own host and to no other, whatever a results_url says. */
function resultsUrl(baseURL: string, batch: Batch): string {
  const own = new URL(baseURL);
  const url = new URL(batch.resultsUrl ?? `${batchesPath}/${encodeURIComponent(batch.batchId)}/results`, own);
  if (url.origin !== own.origin) throw new Error(`the results of ${batch.batchId} are on another host than the API`);
  return url.href;
}

async function paidCall<T extends object>(
  noteRefusal: (error: unknown) => void,
  call: () => Promise<(T & { workspaceId?: string }) | undefined>,
): Promise<PaidCall<T>> {
  try {
    const accepted = await call();
    return accepted === undefined
      ? { kind: "unknown", message: "the answer is not what was asked for" }
      : { kind: "accepted", ...accepted };
  } catch (error) {
    noteRefusal(error);
    if (error instanceof APIError && error.status !== undefined) return { kind: "refused", answer: toRefusal(error) };
    if (error instanceof NoBatchesError) return { kind: "refused", answer: noBatches };
    if (hasCause(error, isKeyUnread)) return { kind: "refused", answer: notSent("the API key cannot be read") };
    if (hasCause(error, isUnreached)) return { kind: "refused", answer: notSent("the API cannot be reached") };
    if (error instanceof APIUserAbortError) return { kind: "unknown", message: "no answer in time" };
    if (error instanceof APIConnectionError) return { kind: "unknown", message: "the connection was lost" };
    return { kind: "unknown", message: nameOf(error) };
  }
}

/** Nothing was sent, so nothing can have been made. */
function notSent(message: string): RefusedAnswer {
  return { status: 0, error: { type: "unreachable", message } };
}

class KeyUnreadError extends Error {}
class NoBatchesError extends Error {}

/** As the API itself would answer; nothing was sent. */
const noBatches: RefusedAnswer = {
  status: 404,
  error: { type: "not_found_error", message: "an OAuth token cannot create batches" },
};

async function readKey(secrets: Secrets, secretId: string): Promise<string> {
  try {
    return await secrets.get(secretId);
  } catch (cause) {
    throw new KeyUnreadError(`the secret ${secretId} cannot be read`, { cause });
  }
}

const isKeyUnread = (error: Error) => error instanceof KeyUnreadError;
/** The connection was never there: a name that is not found, or nobody who listens. */
const isUnreached = (error: Error) => "code" in error && unreachedCodes.has(String(error.code));

function hasCause(error: unknown, isIt: (error: Error) => boolean): boolean {
  return error instanceof Error && (isIt(error) || hasCause(error.cause, isIt));
}

function toRefusal(error: APIError): RefusedAnswer {
  const { status = 0, type, apiMessage, errorCode } = error;
  const body: ApiErrorBody | undefined =
    apiMessage === null && type === null
      ? undefined
      : { type, message: apiMessage, details: { error_code: errorCode } };
  const retryAfterSeconds = Number(error.headers?.get("retry-after") ?? Number.NaN);
  return { status, error: body, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) };
}

function workspaceOf(response: Response): { workspaceId?: string } {
  const workspaceId = response.headers.get("anthropic-workspace-id");
  return workspaceId === null ? {} : { workspaceId };
}

async function absentIfNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof APIError && error.status === 404) return undefined;
    throw error;
  }
}

async function listBatches(client: BaseAnthropic, createdAfter: number): Promise<BatchList> {
  const batches: Batch[] = [];
  let workspace: { workspaceId?: string } = {};
  let afterId: string | undefined;
  for (let page = 0; page < maxListPages; page += 1) {
    const query = { limit: listPageSize, ...(afterId === undefined ? {} : { after_id: afterId }) };
    const { data, response } = await client.get<unknown>(batchesPath, { query }).withResponse();
    const parsed = parseBatchPage(data);
    if (parsed === undefined) return { batches, ...workspace, complete: false };
    workspace = workspaceOf(response);
    batches.push(...parsed.batches);
    const oldest = parsed.batches.at(-1);
    if (!parsed.hasMore || oldest === undefined || oldest.createdAt < createdAfter)
      return { batches, ...workspace, complete: true };
    afterId = parsed.lastId ?? oldest.batchId;
  }
  return { batches, ...workspace, complete: false };
}
