import { createServer } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { createAnthropic } from "../../../functions/clients/anthropic.ts";
import { secretKey } from "../../../functions/clients/key.ts";
import type { Batch } from "../../../functions/domain/batch.ts";
import type { Fault } from "../../../infra/local/anthropic/faults.ts";
import { memoryAnthropic, memoryWorkspaceId } from "../../support/memory-anthropic.ts";
import { memorySecrets } from "../../support/memory-services.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const line = (customId: string, task = "t") =>
  JSON.stringify({
    custom_id: customId,
    params: { model: "claude-haiku-5-5", max_tokens: 50, messages: [{ role: "user", content: task }] },
  });

const bytesOf = (lines: readonly string[]) => Buffer.byteLength(`${lines.join(",")},`);

function open(values: Record<string, string> = { key: "sk-1" }) {
  const clock = virtualClock();
  const api = memoryAnthropic({
    clock,
    secrets: memorySecrets(values),
    keys: new Map([
      ["sk-1", "wrkspc_1"],
      ["sk-2", "wrkspc_2"],
    ]),
  });
  const client = api.client("key");
  const create = (lines = [line("a"), line("b")], betas: string[] = []) =>
    client.createBatch({ lines, bytes: bytesOf(lines), betas, timeoutMs: 1_000 });
  const created = async (lines?: string[]): Promise<Batch> => {
    const answer = await create(lines);
    if (answer.kind !== "accepted") throw new Error(answer.kind);
    return answer.batch;
  };
  const message = () =>
    client.createMessage({
      body: JSON.stringify({ model: "claude-haiku-5-5", max_tokens: 50, messages: [{ role: "user", content: "t" }] }),
      betas: [],
      timeoutMs: 1_000,
    });
  return { clock, api, client, create, created, message };
}

async function readAll(lines: AsyncIterable<string> | undefined): Promise<string[]> {
  const all: string[] = [];
  for await (const one of lines ?? []) all.push(one);
  return all;
}

describe("creating a batch", () => {
  it("is one call with the lines as they are, and says which workspace took it", async () => {
    const { api, create } = open();
    const answer = await create([line("a", "ü  🌙"), line("b")]);
    expect(answer).toMatchObject({
      kind: "accepted",
      workspaceId: "wrkspc_1",
      batch: { total: 2, status: "in_progress" },
    });
    expect(api.calls).toHaveLength(1);
    expect(api.calls[0]?.body).toBe(`{"requests":[${line("a", "ü  🌙")},${line("b")}]}`);
    expect(api.calls[0]?.headers).toMatchObject({ authorization: "Bearer sk-1", "content-type": "application/json" });
  });

  it("says how long it is before the first byte, and is sent piece by piece", async () => {
    const heads: { length: string | undefined; encoding: string | undefined }[] = [];
    let received = "";
    let pieces = 0;
    const server = createServer((request, response) => {
      heads.push({ length: request.headers["content-length"], encoding: request.headers["transfer-encoding"] });
      request.setEncoding("utf8").on("data", (text: string) => {
        received += text;
        pieces += 1;
      });
      request.on("end", () => response.writeHead(500).end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const secrets = memorySecrets({ key: "sk-1" });
    const lines = Array.from({ length: 400 }, (_, place) => line(`${place}`, "ü 🌙 ".repeat(400)));
    try {
      const client = createAnthropic({ key: secretKey(secrets, "key"), baseURL: `http://127.0.0.1:${port}` });
      await client.createBatch({ lines, bytes: bytesOf(lines), betas: [], timeoutMs: 20_000 });
    } finally {
      server.close();
    }
    const whole = `{"requests":[${lines.join(",")}]}`;
    expect(received).toBe(whole);
    expect(heads).toEqual([{ length: String(Buffer.byteLength(whole)), encoding: undefined }]);
    expect(pieces).toBeGreaterThan(3);
  });

  it("is held by nobody who could send it again: a redirect is not followed", async () => {
    const secrets = memorySecrets({ key: "sk-1" });
    const seen: (RequestInit | undefined)[] = [];
    const fetch = async (_: unknown, init?: RequestInit) => {
      seen.push(init);
      return Response.json({}, { status: 500 });
    };
    const client = createAnthropic({ key: secretKey(secrets, "key"), baseURL: "http://anthropic.test", fetch });
    await client.createBatch({ lines: [line("a")], bytes: bytesOf([line("a")]), betas: [], timeoutMs: 1_000 });
    // Both, or `fetch` keeps a copy of all that is sent.
    expect(seen).toMatchObject([{ redirect: "error", window: null }]);
  });

  it("names its beta features, and none where there are none", async () => {
    const { api, create } = open();
    await create([line("a")], ["one-2026", "two-2026"]);
    await create([line("b")]);
    expect(api.calls.map(({ headers }) => headers["anthropic-beta"])).toEqual(["one-2026,two-2026", undefined]);
  });

  it("names its workspace, where it has one", async () => {
    const { api } = open();
    const lines = [line("a")];
    await api.client("key", "wrkspc_1").createBatch({ lines, bytes: bytesOf(lines), betas: [], timeoutMs: 1_000 });
    expect(api.calls[0]?.headers["anthropic-workspace-id"]).toBe("wrkspc_1");
  });
});

describe("a call that creates paid work", () => {
  const refused: [string, Omit<Fault, "on">, Record<string, unknown>][] = [
    [
      "429",
      { kind: "rate_limited", retryAfterSeconds: 7 },
      { status: 429, retryAfterSeconds: 7, error: { type: "rate_limit_error" } },
    ],
    [
      "429 about money",
      { kind: "spend_limit" },
      { status: 429, error: { details: { error_code: "enforced_spend_limit_reached" } } },
    ],
    ["500", { kind: "server_error" }, { status: 500, error: { type: "api_error" } }],
    ["529", { kind: "overloaded" }, { status: 529, error: { type: "overloaded_error" } }],
    ["400", { kind: "bad_request" }, { status: 400, error: { type: "invalid_request_error" } }],
    ["413 of a proxy", { kind: "too_large_html" }, { status: 413, error: undefined }],
  ];

  it.each(refused)("and is refused says how, and is never repeated in here: %s", async (_name, fault, expected) => {
    for (const on of ["create", "message"] as const) {
      const { api, create, message } = open();
      api.faults.set({ on, ...fault });
      const answer = on === "create" ? await create() : await message();
      expect(answer).toMatchObject({ kind: "refused", answer: expected });
      expect(api.calls).toHaveLength(1);
    }
  });

  it.each([
    ["reset after the work", { kind: "lost_response" }],
    ["reset before it", { kind: "lost_response", afterCommit: false }],
    ["silence", { kind: "hang" }],
  ] as [string, Omit<Fault, "on">][])(
    "and has no answer is unknown, and is never repeated in here: %s",
    async (_name, fault) => {
      for (const on of ["create", "message"] as const) {
        const { api, create, message } = open();
        api.faults.set({ on, ...fault });
        expect(on === "create" ? await create() : await message()).toMatchObject({ kind: "unknown" });
        expect(api.calls).toHaveLength(1);
      }
    },
  );

  it("whose key cannot be read proves that nothing was sent", async () => {
    const { api, create, message } = open({});
    for (const answer of [await create(), await message()])
      expect(answer).toMatchObject({ kind: "refused", answer: { status: 0, error: { type: "unreachable" } } });
    expect(api.calls).toEqual([]);
  });

  it("takes up a rotated key with the call after the one that was refused", async () => {
    const values: Record<string, string> = { key: "sk-old" };
    const { create } = open(values);
    expect(await create()).toMatchObject({ kind: "refused", answer: { status: 401 } });
    values["key"] = "sk-1";
    expect(await create()).toMatchObject({ kind: "accepted" });
  });
});

describe("the list of batches", () => {
  it("is the newest first, and says from which workspace", async () => {
    const { clock, client, created } = open();
    const ids = [];
    for (let index = 0; index < 3; index += 1) {
      ids.unshift((await created([line(`a${index}`)])).batchId);
      clock.pass(60);
    }
    const list = await client.listBatches(0);
    expect(list.batches.map(({ batchId }) => batchId)).toEqual(ids);
    expect(list).toMatchObject({ complete: true, workspaceId: "wrkspc_1" });
  });

  it("is paged back as far as it is asked for, and no further", async () => {
    const { clock, api, client } = open();
    const caller = { workspaceId: "wrkspc_1", version: "2023-06-01", betas: [] };
    for (let index = 0; index < 2_500; index += 1) {
      api.model.createBatch(`{"requests":[${line("a")}]}`, caller);
      clock.pass(1);
    }
    expect(await client.listBatches(0)).toMatchObject({ complete: true, batches: { length: 2_500 } });
    expect(api.calls).toHaveLength(3);
    const recent = await client.listBatches(clock.now() - 500_000);
    expect(recent.complete).toBe(true);
    expect(recent.batches.length).toBeGreaterThanOrEqual(500);
    expect(api.calls).toHaveLength(4);
  });

  it("that cannot be read is an error, never an empty list", async () => {
    const { api, client } = open();
    for (const kind of ["server_error", "rate_limited", "hang", "not_found"] as const) {
      api.faults.set({ on: "list", kind, times: 1 });
      await expect(client.listBatches(0)).rejects.toThrow();
    }
  });
});

describe("one batch", () => {
  it("is shown as it is, or not at all where it is not there", async () => {
    const { client, created } = open();
    const { batchId } = await created();
    expect(await client.retrieveBatch(batchId)).toMatchObject({ batchId, status: "in_progress", total: 2 });
    expect(await client.retrieveBatch("msgbatch_never/../x")).toBeUndefined();
  });

  it("is canceled with one call, and again with another; one that is not there is an error", async () => {
    const { api, client, created } = open();
    const { batchId } = await created();
    await client.cancelBatch(batchId);
    await client.cancelBatch(batchId);
    expect(await client.retrieveBatch(batchId)).toMatchObject({ status: "canceling" });
    expect(api.calls.filter(({ url }) => url.endsWith(`/${batchId}/cancel`))).toHaveLength(2);
    await expect(client.cancelBatch("msgbatch_never")).rejects.toThrow();
  });

  it("that cannot be read is an error, never one that is not there", async () => {
    const { api, client, created } = open();
    const { batchId } = await created();
    api.faults.set({ on: "retrieve", kind: "server_error" });
    await expect(client.retrieveBatch(batchId)).rejects.toThrow();
  });
});

describe("the results of a batch", () => {
  const ended = async () => {
    const all = open();
    const { batchId } = await all.created();
    all.clock.pass(600);
    const batch = (await all.client.retrieveBatch(batchId))!;
    return { ...all, batch, read: async () => readAll(await all.client.results(batch)) };
  };

  it("come line by line", async () => {
    const { read } = await ended();
    const ids = (await read()).map((text) => String(JSON.parse(text).custom_id));
    expect(ids.toSorted()).toEqual(["a", "b"]);
  });

  it("are undefined where the file is not there", async () => {
    const { api, client, batch } = await ended();
    api.faults.set({ on: "results", kind: "not_found", times: 1 });
    expect(await client.results(batch)).toBeUndefined();
  });

  it("reject where the connection breaks, but not where the file ends too soon: whoever reads must count", async () => {
    const { api, read } = await ended();
    api.faults.set({ on: "results", kind: "reset_mid_stream", index: 1, times: 1 });
    await expect(read()).rejects.toThrow("terminated");
    api.faults.set({ on: "results", kind: "truncated_at_line", index: 1, times: 1 });
    expect(await read()).toHaveLength(1);
  });

  it("are asked for at the API's own host only, so that the key goes nowhere else", async () => {
    const { api, client, batch } = await ended();
    for (const resultsUrl of [
      "http://elsewhere.test/results",
      "https://anthropic.test/results",
      "http://anthropic.test:81/x",
      "//elsewhere.test/x",
    ]) {
      const before = api.calls.length;
      await expect(client.results({ ...batch, resultsUrl })).rejects.toThrow(/another host/);
      expect(api.calls).toHaveLength(before);
    }
  });

  it("are found without a results_url, too", async () => {
    const { client, batch } = await ended();
    const { resultsUrl: _none, ...rest } = batch;
    expect(await readAll(await client.results(rest))).toHaveLength(2);
  });
});

describe("the API in memory", () => {
  it("is one workspace for every key, unless a test says otherwise", async () => {
    const api = memoryAnthropic({ clock: virtualClock(), secrets: memorySecrets({ any: "sk-any" }) });
    const answer = await api
      .client("any")
      .createBatch({ lines: [line("a")], bytes: bytesOf([line("a")]), betas: [], timeoutMs: 1_000 });
    expect(answer).toMatchObject({ kind: "accepted", workspaceId: memoryWorkspaceId });
  });
});

describe("a credential", () => {
  /** Each way of calling, with a key that was replaced after it was read, or was not. */
  const rotated = async (next: string) => {
    const clock = virtualClock();
    const keys = new Map([["sk-1", "wrkspc_1"]]);
    let now = "sk-1";
    const secrets = {
      get: async () => now,
      forget: () => {
        now = next;
      },
    };
    const api = memoryAnthropic({ clock, secrets, keys });
    const client = api.client("key");
    const made = await client.createBatch({
      lines: [line("a")],
      bytes: bytesOf([line("a")]),
      betas: [],
      timeoutMs: 1_000,
    });
    if (made.kind !== "accepted") throw new Error(made.kind);
    const { batchId } = made.batch;
    clock.pass(600);
    const batch = (await client.retrieveBatch(batchId))!;
    const body = JSON.stringify({
      model: "claude-haiku-5-5",
      max_tokens: 9,
      messages: [{ role: "user", content: "t" }],
    });
    now = "sk-old";
    api.calls.length = 0;
    return {
      api,
      createBatch: () =>
        client.createBatch({ lines: [line("b")], bytes: bytesOf([line("b")]), betas: [], timeoutMs: 1_000 }),
      createMessage: () => client.createMessage({ body, betas: [], timeoutMs: 1_000 }),
      listBatches: () => client.listBatches(0),
      retrieveBatch: () => client.retrieveBatch(batchId),
      results: () => client.results(batch),
      isServed: () => client.isServed(),
    };
  };
  const ways = ["createBatch", "createMessage", "listBatches", "retrieveBatch", "results", "isServed"] as const;

  it.each(ways)(
    "that was replaced is read anew where it is refused, and the call is made once more: %s",
    async (way) => {
      const all = await rotated("sk-1");
      const answer = await all[way]();
      expect(all.api.calls.map(({ headers }) => headers["authorization"])).toEqual(["Bearer sk-old", "Bearer sk-1"]);
      expect(all.api.calls[1]).toMatchObject({ body: all.api.calls[0]?.body, url: all.api.calls[0]?.url });
      if (way === "createBatch" || way === "createMessage") expect(answer).toMatchObject({ kind: "accepted" });
      expect(all.api.model.listBatches({}, { workspaceId: "wrkspc_1", version: "", betas: [] }).data).toHaveLength(
        way === "createBatch" ? 2 : 1,
      );
    },
  );

  it.each(ways)("that was refused and is still the same is not sent again: %s", async (way) => {
    const all = await rotated("sk-old");
    await Promise.resolve(all[way]()).catch(() => {});
    expect(all.api.calls).toHaveLength(1);
  });

  it.each(ways)("that is refused as well as its successor is sent no third time: %s", async (way) => {
    const all = await rotated("sk-older");
    await Promise.resolve(all[way]()).catch(() => {});
    expect(all.api.calls).toHaveLength(2);
  });

  it.each(["createBatch", "createMessage"] as const)("is replaced within the time of the one call: %s", async (way) => {
    const all = await rotated("sk-1");
    const clock = vi.spyOn(AbortSignal, "timeout");
    await all[way]();
    expect(clock.mock.calls).toEqual([[1_000]]);
    clock.mockRestore();
    expect(all.api.calls).toHaveLength(2);
  });

  it.each(["listBatches", "retrieveBatch", "results", "isServed"] as const)(
    "that was refused is read anew by the next call, whichever call it was: %s",
    async (call) => {
      const { api, created } = open();
      const batch = await created();
      const forgotten: string[] = [];
      const secrets = { get: async () => "sk-old", forget: (name: string) => void forgotten.push(name) };
      const refused = memoryAnthropic({ clock: virtualClock(), secrets, keys: new Map([["sk-new", "wrkspc_1"]]) });
      const client = refused.client("key");
      const calls = {
        listBatches: () => client.listBatches(0),
        retrieveBatch: () => client.retrieveBatch(batch.batchId),
        results: () => client.results({ ...batch, resultsUrl: "http://anthropic.test/v1/messages/batches/x/results" }),
        isServed: () => client.isServed(),
      };
      await calls[call]().catch(() => {});
      expect(forgotten).toEqual(["key"]);
      expect(api.calls).toHaveLength(1);
    },
  );

  it("that is a login token is never sent a batch, and is good for messages with its own beta", async () => {
    const secrets = memorySecrets({ key: "sk-ant-oat01-login" });
    const api = memoryAnthropic({ clock: virtualClock(), secrets });
    const client = api.client("key");
    const answer = await client.createBatch({
      lines: [line("a")],
      bytes: bytesOf([line("a")]),
      betas: [],
      timeoutMs: 1_000,
    });
    expect(answer).toMatchObject({ kind: "refused", answer: { status: 404 } });
    expect(api.calls).toEqual([]);
    expect(await client.isServed()).toBe(true);
    const body = JSON.stringify({
      model: "claude-haiku-5-5",
      max_tokens: 9,
      messages: [{ role: "user", content: "t" }],
    });
    expect(await client.createMessage({ body, betas: ["a"], timeoutMs: 1_000 })).toMatchObject({ kind: "accepted" });
    expect(api.calls.at(-1)?.headers["anthropic-beta"]).toBe("a,oauth-2025-04-20");
  });
});
