import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { Access } from "./access.ts";
import { administer, adminPrefix } from "./admin.ts";
import { createChance } from "./chance.ts";
import { maxBatchBytes } from "./envelope.ts";
import { type Call, createExchange, type Reply } from "./exchange.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createModel, type StandInModel, type WorldOptions } from "./model.ts";

export interface StandInOptions extends Partial<WorldOptions> {
  /** 127.0.0.1 unless given; only loopback makes sense, since nothing here is secret. */
  host?: string;
  /** Any free one unless given. */
  port?: number;
  /** From key to workspace; without it every key is good. */
  keys?: Access["keys"];
}

export interface StandIn {
  /** As the SDK's `baseURL`. */
  url: string;
  model: StandInModel;
  faults: Faults;
  close(): Promise<void>;
}

/** Starts the stand-in on a port of its own, and resolves when it listens. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { host = "127.0.0.1", port = 0, keys, clock = { now: () => Date.now() }, seed = "offpeak", ...rest } = options;
  let url = "";
  const model = createModel({ resultsBase: () => url, ...rest, clock, seed });
  const chance = createChance(seed);
  let draws = 0;
  const faults = createFaults(() => chance.unit("fault", draws++));
  const access: Access = {
    organizationId: chance.id("org"),
    defaultWorkspaceId: chance.id("wrkspc"),
    now: clock.now,
    ...(keys === undefined ? {} : { keys }),
  };
  const exchange = createExchange({ model, faults, chance, access });
  const decide = (call: Call) =>
    call.url.startsWith(adminPrefix) ? administer(call, { model, faults }) : exchange(call);

  const server = createServer((request, response) => {
    serve(request, response, decide).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  url = `http://${host}:${portOf(server.address())}`;
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Calls that hang on purpose would keep the server open for ever.
    server.closeAllConnections();
    await closed;
    options.journal?.close();
  };
  return { url, model, faults, close };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the stand-in listens on no port");
  return address.port;
}

async function serve(request: IncomingMessage, response: ServerResponse, decide: (call: Call) => Reply): Promise<void> {
  const body = await readBody(request);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
  );
  const reply = decide({ method: request.method ?? "GET", url: request.url ?? "/", headers, body });
  if (reply.kind === "hang") return;
  if (reply.kind === "reset") {
    request.socket.resetAndDestroy();
    return;
  }
  if (reply.afterMs > 0) await wait(reply.afterMs);
  await send(reply, response);
}

async function send(reply: Extract<Reply, { kind: "answer" }>, response: ServerResponse): Promise<void> {
  response.writeHead(reply.status, reply.headers);
  if (!reply.broken) return pipeline(Readable.from(reply.body), response);
  for (const piece of reply.body) {
    // What was written before the break does arrive: the fault is the missing end, not the whole.
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  }
  response.destroy();
}

/** Reads to the end even what is too large, so that the caller gets its 413 rather than a broken connection. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    // One byte too many is enough for the model to refuse it; the rest need not be kept.
    if (bytes - chunk.length <= maxBatchBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
