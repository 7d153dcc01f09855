import { describe, expect, it } from "vitest";
import { createChance } from "../../../../infra/local/anthropic/chance.ts";
import { resultFile } from "../../../../infra/local/anthropic/damage.ts";
import { type Call, createExchange } from "../../../../infra/local/anthropic/exchange.ts";
import { createFaults, type Fault, parseFault } from "../../../../infra/local/anthropic/faults.ts";
import { batchBody, modelAt, params } from "./helpers.ts";

const headers = { authorization: "Bearer key", "anthropic-version": "2026-10-21" };
const create: Call = { method: "POST", url: "/v1/messages/batches", headers, body: batchBody(params("x")) };
const list: Call = { method: "GET", url: "/v1/messages/batches", headers, body: "" };

function face() {
  const { model, pass } = modelAt();
  let draw = 0;
  const faults = createFaults(() => (draw++ % 4) / 4);
  const access = { organizationId: "org", defaultWorkspaceId: "wrkspc", now: () => 0 };
  const exchange = createExchange({ model, faults, chance: createChance("x"), access });
  const send = (call: Call) => {
    const reply = exchange(call);
    if (reply.kind !== "answer")
      return { kind: reply.kind, status: 0, headers: {} as Record<string, string>, body: undefined };
    const text = [...reply.body].join("");
    const json = reply.headers["content-type"] === "application/json";
    return { ...reply, body: json ? JSON.parse(text) : text };
  };
  return { faults, send, pass, created: () => send(list).body.data.length };
}

describe("a fault on the way", () => {
  it.each<[string, Fault, string, number]>([
    ["a lost response", { kind: "lost_response", on: "create" }, "reset", 1],
    ["a lost request", { kind: "lost_response", on: "create", afterCommit: false }, "reset", 0],
    ["a hang", { kind: "hang", on: "create" }, "hang", 0],
    ["a hang after the commit", { kind: "hang", on: "create", afterCommit: true }, "hang", 1],
    ["a 500", { kind: "server_error", on: "create" }, "answer", 0],
    ["a 500 after the commit", { kind: "server_error", on: "create", afterCommit: true }, "answer", 1],
  ])("%s leaves the batch made or not", (_, fault, kind, batches) => {
    const { faults, send, created } = face();
    faults.set({ ...fault, times: 1 });
    const reply = send(create);
    expect(reply.kind).toBe(kind);
    if (kind === "answer") expect(reply.status).toBe(500);
    expect(created()).toBe(batches);
    expect(send(create).status).toBe(200);
  });
});

describe("a fault instead of an answer", () => {
  it.each<[Fault["kind"], number, string]>([
    ["rate_limited", 429, "rate_limit_error"],
    ["spend_limit", 429, "rate_limit_error"],
    ["overloaded", 529, "overloaded_error"],
    ["not_found", 404, "not_found_error"],
    ["unauthorized", 401, "authentication_error"],
    ["forbidden", 403, "permission_error"],
    ["billing", 402, "billing_error"],
    ["credit", 400, "invalid_request_error"],
    ["usage_limit", 400, "invalid_request_error"],
    ["bad_request", 400, "invalid_request_error"],
  ])("%s is %i %s in the API's shape, and nothing is made", (kind, status, type) => {
    const { faults, send, created } = face();
    faults.set({ kind, on: "create", times: 1 });
    const reply = send(create);
    expect(reply).toMatchObject({
      status,
      body: { type: "error", error: { type }, request_id: reply.headers["request-id"] },
    });
    expect(created()).toBe(0);
  });

  it("tells what its kind tells: when to retry, why not to, and which request is meant", () => {
    const { faults, send } = face();
    faults.set({ kind: "rate_limited", on: "create", retryAfterSeconds: 30, times: 1 });
    faults.set({ kind: "rate_limited", on: "create", times: 1 });
    faults.set({ kind: "spend_limit", on: "create", times: 1 });
    faults.set({ kind: "overloaded", on: "create", times: 1 });
    faults.set({ kind: "bad_request", on: "create", index: 3, times: 1 });
    expect(send(create).headers["retry-after"]).toBe("30");
    expect(send(create).headers["retry-after"]).toBeUndefined();
    const spend = send(create);
    expect(spend.body.error.details).toEqual({ error_code: "enforced_spend_limit_reached" });
    expect(spend.headers["retry-after"]).toBeUndefined();
    expect(send(create).headers["x-should-retry"]).toBe("true");
    expect(send(create).body.error.message).toMatch(/^requests\.3\./);
  });

  it("answers 413 as a proxy does, in HTML or in JSON without the outer shape", () => {
    const { faults, send } = face();
    faults.set({ kind: "too_large_html", on: "create", times: 1 });
    faults.set({ kind: "too_large_json", on: "create", times: 1 });
    expect(send(create)).toMatchObject({ status: 413, headers: { "content-type": "text/html" } });
    const reply = send(create);
    expect(reply.status).toBe(413);
    expect(reply.body).toEqual({ error: { type: "request_too_large", message: "Request exceeds the maximum size" } });
    expect(reply.headers["request-id"]).toBeUndefined();
  });
});

describe("a fault in a list or a view", () => {
  it("leaves a batch out, or sends readers elsewhere", () => {
    const { faults, send, pass } = face();
    const id = send(create).body.id;
    pass(10);
    faults.set({ kind: "list_missing", on: "list", times: 1 });
    expect(send(list).body.data).toEqual([]);
    faults.set({ kind: "results_elsewhere", on: "list", url: "http://elsewhere.invalid/r", times: 1 });
    expect(send(list).body.data[0].results_url).toBe("http://elsewhere.invalid/r");
    faults.set({ kind: "results_elsewhere", on: "retrieve", url: "http://elsewhere.invalid/r", times: 1 });
    const one = { ...list, url: `/v1/messages/batches/${id}` };
    expect(send(one).body.results_url).toBe("http://elsewhere.invalid/r");
    expect(send(one).body.results_url).toContain(id);
  });
});

describe("a fault in a result file", () => {
  const lines = ['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}'];
  const file = (fault: Partial<Fault>) => {
    const { pieces, broken } = resultFile(lines, 4, parseFault({ on: "results", ...fault }));
    return { text: [...pieces].join(""), broken };
  };
  const all = lines.map((line) => `${line}\n`);

  it.each<[Partial<Fault>, string, boolean]>([
    [{ kind: "truncated_at_line" }, all.slice(0, 2).join(""), false],
    [{ kind: "truncated_at_line", index: 3 }, all.slice(0, 3).join(""), false],
    [{ kind: "truncated_mid_line" }, `${all.slice(0, 2).join("")}{"n"`, false],
    [{ kind: "reset_mid_stream" }, `${all.slice(0, 2).join("")}{"n"`, true],
    [{ kind: "missing_line", index: 1 }, [all[0], all[2], all[3]].join(""), false],
    [{ kind: "duplicate_line" }, [all[0], ...all].join(""), false],
  ])("%j", (fault, text, broken) => {
    expect(file(fault)).toEqual({ text, broken });
  });

  it("garbles one line and leaves the others", () => {
    const [first = "", ...rest] = file({ kind: "garbled_line" }).text.trimEnd().split("\n");
    expect(() => JSON.parse(first)).toThrow();
    expect(rest).toEqual(lines.slice(1));
  });

  it("adds a line that nobody asked for", () => {
    expect(file({ kind: "foreign_line" }).text.split("\n")[0]).toContain("nobody-knows-this-one");
  });
});

describe("the switch", () => {
  it("strikes as often as told, with its probability, only where told, until cleared", () => {
    const { faults, send } = face();
    faults.set({ kind: "not_found", on: "list", probability: 0.5 });
    expect([1, 2, 3, 4].map(() => send(list).status)).toEqual([404, 404, 200, 200]);
    expect(send(create).status).toBe(200);
    faults.clear();
    expect(send(list).status).toBe(200);
  });

  it.each([
    [{ kind: "boom", on: "list" }, "kind"],
    [{ kind: "hang" }, "on"],
    [{ kind: "hang", on: "list", times: -1 }, "times"],
    [{ kind: "hang", on: "list", often: 1 }, "often"],
  ])("refuses %j", (fault, field) => {
    expect(() => parseFault(fault)).toThrow(field);
  });
});

describe("the door", () => {
  it.each<[string, Partial<Call>, number]>([
    ["without a key", { headers: { "anthropic-version": "2026-10-21" } }, 401],
    ["without a version", { headers: { "x-api-key": "key" } }, 400],
    ["with an unknown version", { headers: { ...headers, "anthropic-version": "2020-01-01" } }, 400],
    ["for another workspace", { headers: { ...headers, "anthropic-workspace-id": "wrkspc_other" } }, 403],
    ["with a login's token", { headers: { ...headers, authorization: "Bearer sk-ant-oat01-x" } }, 404],
    ["on no path", { url: "/v1/messages/bunches" }, 404],
    ["with no method of it", { method: "PUT" }, 405],
  ])("is shut %s", (_, change, status) => {
    expect(face().send({ ...list, ...change })).toMatchObject({ status, body: { type: "error" } });
  });

  it("opens for either header and names organization, workspace and request", () => {
    const { send } = face();
    const reply = send({ ...list, headers: { "x-api-key": "key", "anthropic-version": "2023-06-01" } });
    expect(reply).toMatchObject({
      status: 200,
      headers: { "anthropic-organization-id": "org", "anthropic-workspace-id": "wrkspc" },
    });
    expect(reply.headers["request-id"]).toMatch(/^req_/);
  });
});
