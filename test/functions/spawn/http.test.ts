import { describe, expect, it } from "vitest";
import { maxRequestBytes } from "../../../functions/domain/limits.ts";
import { testWorld } from "../../support/world.ts";

const path = "/api/sessions/spawn";

interface Answer {
  status: number;
  headers: Headers;
  body: { [key: string]: unknown; error?: { type: string; message: string; param?: string } };
}

function spawnHttp(world = testWorld()) {
  const ask = async (
    body: string | Uint8Array<ArrayBuffer>,
    init: RequestInit = {},
    verdict?: unknown,
  ): Promise<Answer> => {
    const response = await world.http(path, { method: "POST", body, ...init }, verdict);
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
  };
  return { world, ask, send: (body: unknown, init?: RequestInit) => ask(JSON.stringify(body), init) };
}

describe("POST /api/sessions/spawn", () => {
  it("answers 202 with the session and the trade that was made", async () => {
    const { world, send } = spawnHttp();
    const { status, body, headers } = await send({ task: "Write the report." });
    expect(status).toBe(202);
    const createdAt = new Date(world.clock.now()).toISOString();
    expect(body).toEqual({
      status: "accepted",
      sessionId: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      sessionKey: `agent:worker:dashboard:${String(body["sessionId"]).toLowerCase()}`,
      createdAt,
      routing: {
        mode: "batch",
        lane: "default",
        why: "batch, the default",
        expectedCompletion: {
          typicalSeconds: 3_600,
          latestAt: new Date(world.clock.now() + 24 * 3_600_000).toISOString(),
        },
        priceMultiplier: 0.5,
        zeroDataRetention: false,
        onDeadline: "wait",
      },
    });
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("says what to expect from what the lane did of late, once there is enough of it", async () => {
    const { world, send } = spawnHttp();
    const expected = async () => Object((await send({ task: "Write." })).body["routing"]).expectedCompletion;
    for (let batches = 0; batches < 12; batches += 1) {
      expect((await expected()).basedOn ?? 0).toBeLessThanOrEqual(batches);
      await world.ticks(13);
    }
    const { typicalSeconds, slowSeconds, basedOn } = await expected();
    expect(basedOn).toBeGreaterThanOrEqual(5);
    expect(typicalSeconds).toBe(600);
    expect(slowSeconds).toBe(600);
  });

  it("sends the task verbatim, as the only user message", async () => {
    const task = '  "Spaces", \n newlines and 🌙 stay.  ';
    const { world, send } = spawnHttp();
    await send({ task });
    await world.batch();
    const create = world.api.calls.find(({ method }) => method === "POST");
    expect(JSON.parse(create!.body).requests[0].params.messages).toEqual([{ role: "user", content: task }]);
  });

  it("takes the body for JSON whatever its content type says", async () => {
    const { ask } = spawnHttp();
    const headers = { "content-type": "text/plain" };
    expect(await ask('{"task":"t"}', { headers })).toMatchObject({ status: 202 });
  });

  it("answers a repeat with the same key as it answered first", async () => {
    const { world, send } = spawnHttp();
    const headers = { "idempotency-key": "k".repeat(255) };
    const first = await send({ task: "t" }, { headers });
    world.pass(600);
    expect((await send({ task: "t" }, { headers })).body).toEqual(first.body);
  });

  it("answers 409 to the same key with another body", async () => {
    const { send } = spawnHttp();
    const headers = { "idempotency-key": "k" };
    await send({ task: "t" }, { headers });
    const { status, body } = await send({ task: "u" }, { headers });
    expect(status).toBe(409);
    expect(body.error).toMatchObject({ type: "conflict_error", param: "Idempotency-Key" });
  });

  it.each([
    ["not JSON", "{", "body"],
    ["nothing", "", "body"],
    ["a list", "[]", "body"],
    ["null", "null", "body"],
    ["no task", "{}", "task"],
    ["an empty task", '{"task":" \\n"}', "task"],
    ["a task that is no text", '{"task":1}', "task"],
    ["an unknown key", '{"task":"t","tsak":"t"}', "tsak"],
    ["an unknown agent", '{"task":"t","agentId":"nobody"}', "agentId"],
    ["an unknown lane", '{"task":"t","lane":"nowhere"}', "lane"],
    ["an empty model", '{"task":"t","model":""}', "model"],
    ["a label that is too long", JSON.stringify({ task: "t", label: "l".repeat(65) }), "label"],
    ["a timeout that is no integer", '{"task":"t","timeoutSeconds":1.5}', "timeoutSeconds"],
    ["batch and routing that disagree", '{"task":"t","batch":true,"routing":"realtime"}', "batch"],
    ["metadata that is no object", '{"task":"t","metadata":[]}', "metadata"],
  ])("answers 400 with the field, and keeps nothing: %s", async (_name, text, param) => {
    const { world, ask } = spawnHttp();
    const { status, body } = await ask(text);
    expect(status).toBe(400);
    expect(body.error).toEqual({ type: "invalid_request_error", message: expect.any(String), param });
    expect(world.table.items()).toEqual([]);
  });

  it("answers 400 to a body that is not UTF-8", async () => {
    const { status, body } = await spawnHttp().ask(new Uint8Array([0x7b, 0xff, 0x7d]));
    expect([status, body.error?.param]).toEqual([400, "body"]);
  });

  it.each(["", "  ", "k".repeat(256)])("answers 400 to a key of no use: %j", async (key) => {
    const { status, body } = await spawnHttp().send({ task: "t" }, { headers: { "idempotency-key": key } });
    expect([status, body.error?.param]).toEqual([400, "Idempotency-Key"]);
  });

  it("answers 413 to a body over 256 KiB, and takes one that is just as large", async () => {
    const bodyOf = (bytes: number) => JSON.stringify({ task: "x".repeat(bytes - '{"task":""}'.length) });
    expect(await spawnHttp().ask(bodyOf(maxRequestBytes))).toMatchObject({ status: 202 });
    const { status, body } = await spawnHttp().ask(bodyOf(maxRequestBytes + 1));
    expect([status, body.error?.type]).toEqual([413, "request_too_large"]);
  });

  it("answers 413 to a body without a length, once it has grown too large", async () => {
    const part = new TextEncoder().encode("x".repeat(100_000));
    let parts = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        parts += 1;
        controller.enqueue(part);
      },
    });
    const init = { method: "POST", body: stream, duplex: "half" } as RequestInit;
    const response = await testWorld().http(path, init);
    expect(response.status).toBe(413);
    expect(parts).toBeLessThan(10);
  });

  it("answers 401 to whoever the authorizer does not know, and keeps nothing", async () => {
    for (const verdict of [{ refusal: "unauthorized" }, {}, undefined, { client: "" }]) {
      const { world, ask } = spawnHttp();
      const { status, body, headers } = await ask('{"task":"t"}', {}, verdict ?? null);
      expect([status, body.error?.type]).toEqual([401, "authentication_error"]);
      expect(headers.get("www-authenticate")).toBe("Bearer");
      expect(world.table.items()).toEqual([]);
    }
  });

  it("answers 429 with retry-after to an address with too many failures", async () => {
    const verdict = { refusal: "rate_limited", retryAfterSeconds: 42 };
    const { status, body, headers } = await spawnHttp().ask('{"task":"t"}', {}, verdict);
    expect([status, body.error?.type, headers.get("retry-after")]).toEqual([429, "rate_limit_error", "42"]);
  });

  it.each(["GET", "PUT", "DELETE"])("answers 405 to %s", async (method) => {
    const response = await testWorld().http(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });

  it("answers 500 without a word of the cause where the store is away, and the key makes a repeat safe", async () => {
    const { world, ask } = spawnHttp();
    const failing = world.http(path, {
      method: "POST",
      body: '{"task":"the plan"}',
      headers: { "idempotency-key": "k" },
    });
    expect((await failing).status).toBe(202);
    const response = await world.broken(path, { method: "POST", body: '{"task":"the plan"}' });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toMatch(/plan|away/);
    expect(JSON.parse(text)).toMatchObject({ error: { type: "api_error" } });
    expect((await ask('{"task":"the plan"}', { headers: { "idempotency-key": "k" } })).status).toBe(202);
  });
});
