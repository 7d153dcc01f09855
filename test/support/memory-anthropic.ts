import { type Anthropic, createAnthropic } from "../../functions/clients/anthropic.ts";
import { secretKey } from "../../functions/clients/key.ts";
import type { Secrets } from "../../functions/clients/secrets-manager.ts";
import { createChance } from "../../infra/local/anthropic/chance.ts";
import { type Call, createExchange, type Reply } from "../../infra/local/anthropic/exchange.ts";
import { createFaults, type Faults } from "../../infra/local/anthropic/faults.ts";
import { createModel, type StandInModel, type WorldOptions } from "../../infra/local/anthropic/model.ts";

export interface MemoryAnthropicOptions extends Pick<WorldOptions, "clock" | "batchSeconds" | "journal"> {
  secrets: Secrets;
  seed?: string;
  /** From key to workspace; every key is good for one and the same unless given. */
  keys?: ReadonlyMap<string, string>;
}

export interface MemoryAnthropic {
  model: StandInModel;
  faults: Faults;
  /** Every call that came in, the newest last. */
  calls: Call[];
  /** A create call whose body it answers for is refused with that message, 400; nobody unless a test says so. */
  refuse: (body: string) => string | undefined;
  /** What answers in the place of a network. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The real client, with a credential of its own. */
  client(secretId: string, workspaceId?: string): Anthropic;
}

const baseURL = "http://anthropic.test";
export const memoryWorkspaceId = "wrkspc_test";

/** Anthropic without a network: the real client, whose `fetch` asks the stand-in for its answer. */
export function memoryAnthropic(options: MemoryAnthropicOptions): MemoryAnthropic {
  const { clock, secrets, seed = "memory", keys, journal, batchSeconds = { min: 600, max: 600 } } = options;
  const kept = journal === undefined ? {} : { journal };
  const model = createModel({ clock, seed, batchSeconds, resultsBase: () => baseURL, ...kept });
  const chance = createChance(seed);
  let draws = 0;
  const faults = createFaults(() => {
    draws += 1;
    return chance.unit("fault", draws);
  });
  const access = {
    organizationId: "org_test",
    defaultWorkspaceId: memoryWorkspaceId,
    now: clock.now,
    ...(keys === undefined ? {} : { keys }),
  };
  const exchange = createExchange({ model, faults, chance, access });
  const calls: Call[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const call = await toCall(new Request(input, init));
    calls.push(call);
    const message = call.method === "POST" ? api.refuse(call.body) : undefined;
    if (message !== undefined) return Response.json(refusal(message), { status: 400 });
    return toResponse(exchange(call));
  };
  const client = (secretId: string, workspaceId?: string) =>
    createAnthropic({
      key: secretKey(secrets, secretId),
      baseURL,
      fetch,
      ...(workspaceId === undefined ? {} : { workspaceId }),
    });
  const api: MemoryAnthropic = { model, faults, calls, fetch, client, refuse: () => undefined };
  return api;
}

function refusal(message: string) {
  return { type: "error", error: { type: "invalid_request_error", message }, request_id: "req_test" };
}

async function toCall(request: Request): Promise<Call> {
  const { pathname, search } = new URL(request.url);
  const headers = Object.fromEntries(request.headers);
  const body = await request.text();
  const length = headers["content-length"];
  if (length !== undefined && Number(length) !== Buffer.byteLength(body))
    throw new Error(`the body is not ${length} bytes`);
  return { method: request.method, url: pathname + search, headers, body };
}

/** What the network makes of it. A call that hangs is ended by its own signal, which the caller sees as a lost connection. */
function toResponse(reply: Reply): Response {
  if (reply.kind !== "answer") throw new TypeError("fetch failed", { cause: new Error(reply.kind) });
  const parts = Array.from(reply.body, (text) => new TextEncoder().encode(text));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts.shift();
      if (part !== undefined) controller.enqueue(part);
      else if (reply.broken) controller.error(new TypeError("terminated"));
      else controller.close();
    },
  });
  return new Response(body, { status: reply.status, headers: reply.headers });
}
