import type { BaseAnthropic } from "@anthropic-ai/sdk/client";
import { APIError } from "@anthropic-ai/sdk/error";
import { type Batch, parseBatch, parseBatchPage } from "../domain/batch.ts";
import { parseJson } from "../domain/parse.ts";
import { batchBody } from "./batch-body.ts";
import { type AnthropicOptions, connect } from "./connect.ts";
import { splitLines } from "./lines.ts";
import { NoBatchesError, type PaidCall, paidCall } from "./paid-call.ts";

export interface BatchList {
  batches: Batch[];
  /** The workspace that answered; a list of another one proves nothing. */
  workspaceId?: string;
  /** Whether it reaches back as far as was asked. */
  complete: boolean;
}

/** Anthropic's API. No call is ever repeated in here, but one that was refused a key that was replaced: what to do after a failure is the caller's decision. */
export interface Anthropic {
  /**
   * One POST. `lines` are the serialized requests, gone through once a try, and `bytes` what they have together, each with a comma;
   * after `timeoutMs` the call is ended, whatever state it is in.
   */
  createBatch(call: {
    lines: Iterable<string>;
    bytes: number;
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

const listPageSize = 1_000;
/** 100 pages of 1,000: more batches than a workspace can create in a month of ticks. */
const maxListPages = 100;
const batchesPath = "/v1/messages/batches";

export function createAnthropic(options: AnthropicOptions): Anthropic {
  const { client, post, letIn, betasOf } = connect(options);
  const { key } = options;
  return {
    createBatch: ({ lines, bytes, betas, timeoutMs }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return paidCall(() =>
        letIn(async () => {
          if (await key.isLogin()) {
            // Another kind of key may be there when the next one asks.
            key.forget();
            throw new NoBatchesError();
          }
          const response = await post(batchesPath, batchBody(lines, bytes), betas, signal);
          const batch = parseBatch(parseJson(await response.text()));
          return batch === undefined ? undefined : { batch, ...workspaceOf(response) };
        }),
      );
    },
    listBatches: (createdAfter) => letIn(() => listBatches(client, createdAfter)),
    async retrieveBatch(batchId) {
      const path = `${batchesPath}/${encodeURIComponent(batchId)}`;
      const body = await letIn(() => absentIfNotFound(client.get<unknown>(path)));
      const batch = parseBatch(body);
      if (body !== undefined && batch === undefined) throw new Error("the answer is not a batch");
      return batch;
    },
    async cancelBatch(batchId) {
      await letIn(() => client.post(`${batchesPath}/${encodeURIComponent(batchId)}/cancel`).asResponse());
    },
    async results(batch) {
      const url = resultsUrl(client.baseURL, batch);
      const abort = new AbortController();
      const wanted = { headers: { Accept: "application/binary" }, __binaryResponse: true, signal: abort.signal };
      const response = await letIn(() => absentIfNotFound(client.get<Response>(url, wanted)));
      return response?.body == null ? undefined : splitLines(response.body, abort);
    },
    async isServed() {
      try {
        const betas = await betasOf();
        const headers = betas.length === 0 ? {} : { "anthropic-beta": betas.join(",") };
        await letIn(() => client.get<unknown>("/v1/models", { query: { limit: 1 }, headers }));
        return true;
      } catch {
        return false;
      }
    },
    createMessage: ({ body, betas, timeoutMs }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return paidCall(() =>
        letIn(async () => {
          const response = await post("/v1/messages", body, betas, signal);
          return { text: await response.text(), ...workspaceOf(response) };
        }),
      );
    },
  };
}

/** The credential goes to the API's own host and to no other, whatever a results_url says. */
function resultsUrl(baseURL: string, batch: Batch): string {
  const own = new URL(baseURL);
  const url = new URL(batch.resultsUrl ?? `${batchesPath}/${encodeURIComponent(batch.batchId)}/results`, own);
  if (url.origin !== own.origin) throw new Error(`the results of ${batch.batchId} are on another host than the API`);
  return url.href;
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
