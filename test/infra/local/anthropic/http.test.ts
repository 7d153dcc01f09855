import Anthropic, { BadRequestError, InternalServerError, NotFoundError } from "@anthropic-ai/sdk";
import { BaseAnthropic } from "@anthropic-ai/sdk/client";
import { Batches } from "@anthropic-ai/sdk/resources/messages/batches";
import { afterEach, describe, expect, it } from "vitest";
import { type StandIn, startStandIn } from "../../../../infra/local/anthropic/http.ts";
import { collect, start } from "./helpers.ts";

let standIn: StandIn | undefined;
afterEach(async () => {
  await standIn?.close();
  standIn = undefined;
});

async function setUp(options: { maxRetries?: number } = {}) {
  const clock = { time: start, now: () => clock.time };
  const none = { min: 0, max: 0 };
  const server = await startStandIn({
    clock,
    batchSeconds: { min: 10, max: 10 },
    messageSeconds: none,
    keys: new Map([
      ["key-one", "wrkspc_one"],
      ["key-two", "wrkspc_two"],
    ]),
  });
  standIn = server;
  const clientFor = (apiKey: string) => new Anthropic({ apiKey, baseURL: server.url, maxRetries: 0, ...options });
  const pass = (seconds: number) => {
    clock.time += seconds * 1000;
  };
  return { server, client: clientFor("key-one"), clientFor, pass };
}

function request(customId: string, content = `Do ${customId}.`): Anthropic.Messages.BatchCreateParams.Request {
  return {
    custom_id: customId,
    params: { model: "claude-haiku-5-5", max_tokens: 500, messages: [{ role: "user", content }] },
  };
}
const three = { requests: [request("a"), request("b"), request("c", "[[stand-in: errored api_error]]")] };

describe("the stand-in, to the real SDK,", () => {
  it("runs a batch from its creation to its results", async () => {
    const { client, pass } = await setUp();
    const created = await client.messages.batches.create(three);
    expect(created).toMatchObject({
      type: "message_batch",
      processing_status: "in_progress",
      request_counts: { processing: 3 },
    });
    await expect(client.messages.batches.results(created.id)).rejects.toThrow("No batch `results_url`");
    pass(10);
    const ended = await client.messages.batches.retrieve(created.id);
    expect(ended.request_counts).toEqual({ processing: 0, succeeded: 2, errored: 1, canceled: 0, expired: 0 });
    const results = await collect(await client.messages.batches.results(created.id), (line) => line);
    expect(Object.fromEntries(results.map((line) => [line.custom_id, line.result.type]))).toEqual({
      a: "succeeded",
      b: "succeeded",
      c: "errored",
    });
    const response = await fetch(ended.results_url!, {
      headers: { authorization: "Bearer key-one", "anthropic-version": "2026-10-21" },
    });
    expect(response.headers.get("content-type")).toBe("application/x-jsonl");
    expect((await response.text()).trimEnd().split("\n")).toHaveLength(3);
  });

  it("serves the slim client alike", async () => {
    const { server } = await setUp();
    const batches = new Batches(new BaseAnthropic({ apiKey: "key-one", baseURL: server.url, maxRetries: 0 }));
    const { data, response, request_id: requestId } = await batches.create(three).withResponse();
    expect(requestId).toMatch(/^req_/);
    expect(response.headers.get("anthropic-workspace-id")).toBe("wrkspc_one");
    expect(await batches.retrieve(data.id)).toMatchObject({ id: data.id });
  });

  it("lists page after page, workspace by workspace", async () => {
    const { client, clientFor } = await setUp();
    const ids: string[] = [];
    for (let no = 0; no < 5; no++) ids.unshift((await client.messages.batches.create(three)).id);
    const listed = await collect(client.messages.batches.list({ limit: 2 }), (batch) => batch.id);
    expect(listed).toEqual(ids);
    expect(await collect(clientFor("key-two").messages.batches.list(), (batch) => batch)).toEqual([]);
    await expect(clientFor("key-two").messages.batches.retrieve(ids[0]!)).rejects.toThrow(NotFoundError);
    await expect(clientFor("key-three").messages.batches.list()).rejects.toMatchObject({ status: 401 });
  });

  it("cancels and deletes", async () => {
    const { client, pass } = await setUp();
    const { id } = await client.messages.batches.create(three);
    await expect(client.messages.batches.delete(id)).rejects.toThrow(BadRequestError);
    expect(await client.messages.batches.cancel(id)).toMatchObject({ processing_status: "canceling" });
    pass(1);
    expect(await client.messages.batches.retrieve(id)).toMatchObject({ processing_status: "ended" });
    expect(await client.messages.batches.delete(id)).toEqual({ id, type: "message_batch_deleted" });
    await expect(client.messages.batches.retrieve(id)).rejects.toThrow(NotFoundError);
  });

  it("refuses a whole create with a message that names the request", async () => {
    const { client } = await setUp();
    const refused = client.messages.batches.create({ requests: [request("a"), request("b:c")] });
    await expect(refused).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
    await expect(refused).rejects.toThrow("requests.1.custom_id: String should match pattern");
    expect(await collect(client.messages.batches.list(), (batch) => batch)).toEqual([]);
  });

  it("answers messages, counts tokens and knows the models", async () => {
    const { client } = await setUp();
    const { params } = request("a");
    const message = await client.messages.create({ ...params, stream: false });
    expect(message).toMatchObject({ type: "message", stop_reason: "end_turn", usage: { service_tier: "standard" } });
    await expect(client.messages.create({ ...params, stream: false, model: "claude-nonexistent" })).rejects.toThrow(
      NotFoundError,
    );
    const { model, messages } = params;
    expect(await client.messages.countTokens({ model, messages })).toEqual({
      input_tokens: message.usage.input_tokens,
    });
    expect(await client.models.retrieve(model)).toMatchObject({
      lifecycle: "active",
      capabilities: { batch: { supported: true } },
    });
    const models = await collect(client.models.list({ limit: 5 }), (entry) => entry.id);
    expect(models).toContain("claude-sonnet-4-6");
  });

  it("makes two batches of one create when a client retries blindly after a lost response", async () => {
    const { server, client } = await setUp({ maxRetries: 1 });
    server.faults.set({ kind: "lost_response", on: "create", times: 1 });
    await client.messages.batches.create(three);
    expect(await collect(client.messages.batches.list(), (batch) => batch)).toHaveLength(2);
  });

  it("breaks a result stream after whole lines", async () => {
    const { server, client, pass } = await setUp();
    const { id } = await client.messages.batches.create({
      requests: ["a", "b", "c", "d"].map((each) => request(each)),
    });
    pass(10);
    server.faults.set({ kind: "reset_mid_stream", on: "results", times: 1 });
    const read: string[] = [];
    const reading = async () => {
      for await (const line of await client.messages.batches.results(id)) read.push(line.custom_id);
    };
    await expect(reading()).rejects.toThrow();
    expect(read).toHaveLength(2);
    server.faults.set({ kind: "truncated_at_line", on: "results", times: 1 });
    expect(await collect(await client.messages.batches.results(id), (line) => line)).toHaveLength(2);
    expect(await collect(await client.messages.batches.results(id), (line) => line)).toHaveLength(4);
  });

  it("never answers when it hangs, and still closes", async () => {
    const { server, clientFor } = await setUp();
    server.faults.set({ kind: "hang", on: "create", afterCommit: true, times: 1 });
    const client = clientFor("key-one").withOptions({ timeout: 50 });
    await expect(client.messages.batches.create(three)).rejects.toThrow("timed out");
    expect(await collect(client.messages.batches.list(), (batch) => batch)).toHaveLength(1);
    server.faults.set({ kind: "hang", on: "list" });
    void client.messages.batches.list().catch(() => {});
  });
});

describe("the stand-in's own door", () => {
  it("switches faults and shows the bill", async () => {
    const { server, client } = await setUp();
    const door = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`${server.url}/_stand-in/${path}`, init);
      return { status: response.status, body: await response.json() };
    };
    const fault = { kind: "server_error", on: "message" };
    expect(await door("faults", { method: "POST", body: JSON.stringify(fault) })).toEqual({
      status: 200,
      body: { faults: [fault] },
    });
    const ask = () => client.messages.create({ ...request("a").params, stream: false });
    await expect(ask()).rejects.toThrow(InternalServerError);
    expect(await door("faults", { method: "DELETE" })).toEqual({ status: 200, body: { faults: [] } });
    await ask();
    expect((await door("bill")).body).toMatchObject({ bill: [{ tier: "standard", workspaceId: "wrkspc_one" }] });
    expect(await door("faults", { method: "POST", body: "{}" })).toMatchObject({ status: 400 });
  });

  it("listens on loopback only", async () => {
    const { server } = await setUp();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});
