import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** The only address anything here listens on. */
export const loopback = "127.0.0.1";

/** Enough for any request of the services emulated: SQS ends at 1 MiB, and an S3 object of ours at a few megabytes. */
const maxBodyBytes = 64 * 1024 * 1024;

export type LocalRequest = {
  method: string;
  /** As sent, still percent-encoded: a parsed URL would fold `..` inside an object key. */
  path: string;
  query: URLSearchParams;
  header(name: string): string | undefined;
  headers: Record<string, string>;
  body: Buffer;
  /** `http://host:port` as the caller sees it. */
  origin: string;
  /** Aborted when the caller is gone, so that a long poll takes no message for nobody. */
  signal: AbortSignal;
};

export type Reply = { status: number; headers?: Record<string, string>; body?: string | Uint8Array };

export type LocalServer = { url: string; close(): Promise<void> };

/** Serves `handle` on 127.0.0.1 at a free port. What `handle` throws is logged and answered 500. */
export async function serve(
  handle: (request: LocalRequest) => Reply | Promise<Reply>,
  log: (line: string) => void,
): Promise<LocalServer> {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing, handle).catch((error: unknown) => {
      log(`local AWS: ${incoming.method} ${incoming.url} failed: ${String(error)}`);
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, loopback, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A listening server has no port");
  return {
    url: `http://${loopback}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: LocalRequest) => Reply | Promise<Reply>,
): Promise<void> {
  const reply = await replyTo(incoming, outgoing, handle);
  if (outgoing.destroyed) return;
  outgoing.writeHead(reply.status, reply.headers);
  outgoing.end(incoming.method === "HEAD" ? undefined : reply.body);
}

async function replyTo(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: LocalRequest) => Reply | Promise<Reply>,
): Promise<Reply> {
  const host = incoming.headers.host ?? "";
  // A web page whose name was re-pointed at 127.0.0.1 still sends its own name here.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) return { status: 403, body: "Only for this machine" };
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const body = await readBody(incoming);
  if (body === undefined) return { status: 413, headers: { connection: "close" }, body: "Body too large" };
  const [path = "/", search = ""] = splitOnce(incoming.url ?? "/", "?");
  const headers = flatHeaders(incoming);
  return handle({
    method: incoming.method ?? "GET",
    path,
    query: new URLSearchParams(search),
    headers,
    header: (name) => headers[name],
    body,
    origin: `http://${host}`,
    signal: gone.signal,
  });
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming) {
    const buffer = Buffer.from(part);
    bytes += buffer.length;
    if (bytes > maxBodyBytes) return undefined;
    parts.push(buffer);
  }
  return Buffer.concat(parts);
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  const entries = Object.entries(incoming.headers);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")]),
  );
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
