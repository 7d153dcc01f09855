import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface BenchModel {
  url: string;
  /** What came in to be worked on. */
  bytesIn(): number;
  requests(): number;
  close(): Promise<void>;
}

interface MadeBatch {
  id: string;
  customIds: string[];
  createdAt: string;
}

const customId = /"custom_id":"([^"]{1,64})"/g;
/** The most that a `custom_id` and what is around it take, so that none is lost between two chunks. */
const overlap = 100;

/**
 * Anthropic's batches with no model behind: each has ended at once, and answers with what it is given. It keeps no body, so
 * that what is measured is ours.
 */
export async function startBenchModel(
  answer: () => string,
  made: { id: string; customIds: string[] }[] = [],
): Promise<BenchModel> {
  const createdAt = new Date().toISOString();
  const batches = new Map<string, MadeBatch>(made.map((batch) => [batch.id, { ...batch, createdAt }]));
  let bytesIn = 0;
  const create = async (request: IncomingMessage) => {
    const customIds: string[] = [];
    let rest = "";
    for await (const chunk of request) {
      bytesIn += chunk.length;
      const text = rest + Buffer.from(chunk).toString("latin1");
      let end = 0;
      for (const found of text.matchAll(customId)) {
        customIds.push(found[1] ?? "");
        end = found.index + found[0].length;
      }
      rest = text.slice(Math.max(end, text.length - overlap));
    }
    const id = `msgbatch_bench${batches.size + 1}`;
    const batch = { id, customIds, createdAt: new Date().toISOString() };
    batches.set(id, batch);
    return { ...view(batch), processing_status: "in_progress", ended_at: null, results_url: null };
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, id, isResults] = /^\/v1\/messages\/batches(?:\/([^/?]+)(\/results)?)?/.exec(request.url ?? "") ?? [];
    const batch = batches.get(id ?? "");
    if (request.method === "POST") return sendJson(response, await create(request));
    if (id === undefined)
      return sendJson(response, { data: [...batches.values()].reverse().map(view), has_more: false });
    if (batch === undefined) return sendJson(response, { type: "error", error: { type: "not_found_error" } }, 404);
    if (isResults === undefined) return sendJson(response, view(batch));
    response.writeHead(200, { "content-type": "application/binary" });
    return pipeline(Readable.from(lines(batch, answer)), response);
  };
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    bytesIn: () => bytesIn,
    requests: () => [...batches.values()].reduce((sum, { customIds }) => sum + customIds.length, 0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function view({ id, customIds, createdAt }: MadeBatch) {
  return {
    id,
    type: "message_batch",
    processing_status: "ended",
    request_counts: { processing: 0, succeeded: customIds.length, errored: 0, canceled: 0, expired: 0 },
    created_at: createdAt,
    ended_at: createdAt,
    archived_at: null,
    results_url: null,
  };
}

/** One line as the API writes it. */
export function resultLine(customId: string, text: string): string {
  const usage = {
    input_tokens: 1_000,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: 1_000,
    service_tier: "batch",
  };
  const message = {
    model: "claude-haiku-5-5",
    id: `msg_${customId.slice(0, 24)}`,
    type: "message",
    role: "assistant",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage,
  };
  return JSON.stringify({ custom_id: customId, result: { type: "succeeded", message } });
}

function* lines({ customIds }: MadeBatch, answer: () => string): Generator<string> {
  for (const id of customIds) yield `${resultLine(id, answer())}\n`;
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
