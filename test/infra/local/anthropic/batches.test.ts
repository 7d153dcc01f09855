import { describe, expect, it } from "vitest";
import { batchBody, caller, linesOf, modelAt, params, run, start } from "./helpers.ts";

const day = 24 * 3600;
const many = (count: number) => Array.from({ length: count }, (_, index) => params(`task ${index}`));

function created(options: Parameters<typeof modelAt>[0] = {}, items = many(10)) {
  const { model, pass } = modelAt(options);
  const id = String(model.createBatch(batchBody(...items), caller)["id"]);
  return { model, pass, id, see: () => model.retrieveBatch(id, caller) };
}

describe("a batch", () => {
  it("keeps its counts frozen until all of it has ended", () => {
    const { pass, see } = created();
    const waiting = {
      processing_status: "in_progress",
      request_counts: { processing: 10, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      created_at: "2026-11-21T22:00:00.000000Z",
      expires_at: "2026-11-22T22:00:00.000000Z",
      ended_at: null,
      results_url: null,
    };
    expect(see()).toMatchObject(waiting);
    pass(9.999);
    expect(see()).toMatchObject(waiting);
    pass(0.001);
    expect(see()).toMatchObject({
      processing_status: "ended",
      request_counts: { processing: 0, succeeded: 10, errored: 0, canceled: 0, expired: 0 },
      ended_at: "2026-11-21T22:00:10.000000Z",
      results_url: expect.stringContaining("/results"),
    });
  });

  it("has no results before its end, and gives them in another order than asked", () => {
    const { model, pass, id } = created({}, many(50));
    expect(() => model.batchResults(id, caller)).toThrow("has no available results");
    pass(10);
    const ids = Array.from(model.batchResults(id, caller).lines, (line) => JSON.parse(line).custom_id);
    expect(ids).not.toEqual(ids.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
    expect(new Set(ids).size).toBe(50);
    expect(Array.from(model.batchResults(id, caller).lines, (line) => JSON.parse(line).custom_id)).toEqual(ids);
  });

  it("finds what is wrong with params only at the end, alone and nested", () => {
    const { model, pass } = modelAt();
    const [good, bad, unknown] = run(
      model,
      pass,
      params("a"),
      params("b", { max_tokens: 0 }),
      params("c", { model: "gone" }),
    );
    expect(good?.result.type).toBe("succeeded");
    expect(bad?.result).toEqual({
      type: "errored",
      error: {
        type: "error",
        error: { type: "invalid_request_error", message: "max_tokens: Input should be greater than or equal to 1" },
        request_id: null,
      },
    });
    expect(unknown?.result.error?.error).toEqual({ type: "not_found_error", message: "model: gone" });
  });

  it("bills what succeeded and nothing else", () => {
    const { model, pass } = modelAt();
    const failing = [
      params("[[stand-in: errored api_error]]"),
      params("[[stand-in: expired]]"),
      params("x", { top_k: 1 }),
    ];
    const [line] = run(model, pass, params("a"), ...failing);
    const { message } = line!.result;
    expect(message?.usage.service_tier).toBe("batch");
    expect(model.bill()).toEqual([
      {
        customId: "task-0",
        messageId: message?.id,
        batchId: expect.stringMatching(/^msgbatch_/),
        workspaceId: "wrkspc_test",
        model: "claude-sonnet-5-5",
        tier: "batch",
        usage: message?.usage,
      },
    ]);
  });

  it("is canceled into a mix, and what was in flight is still done and billed", () => {
    const { model, pass, id, see } = created();
    pass(4);
    expect(model.cancelBatch(id, caller)).toMatchObject({
      processing_status: "canceling",
      cancel_initiated_at: "2026-11-21T22:00:04.000000Z",
      request_counts: { processing: 10 },
    });
    expect(model.cancelBatch(id, caller)).toMatchObject({ processing_status: "canceling" });
    pass(1);
    expect(see()).toMatchObject({
      processing_status: "ended",
      request_counts: { processing: 0, succeeded: 5, canceled: 5 },
      ended_at: "2026-11-21T22:00:05.000000Z",
    });
    expect(linesOf(model, id).filter((line) => line.result.type === "canceled")).toHaveLength(5);
    expect(model.bill()).toHaveLength(5);
    expect(() => model.cancelBatch(id, caller)).toThrow("already ended");
  });

  it("cancels nothing when canceled too late", () => {
    const { model, pass, id, see } = created();
    pass(9.5);
    model.cancelBatch(id, caller);
    pass(1);
    expect(see()).toMatchObject({ request_counts: { succeeded: 10, canceled: 0 } });
  });

  it("expires after 24 hours with what is left", () => {
    const { pass, see } = created({ batchSeconds: { min: 2 * day, max: 2 * day } });
    pass(day - 1);
    expect(see()).toMatchObject({ processing_status: "in_progress" });
    pass(1);
    expect(see()).toMatchObject({
      processing_status: "ended",
      request_counts: { succeeded: 6, expired: 4 },
      ended_at: "2026-11-22T22:00:00.000000Z",
    });
  });

  it("is archived 29 days after its creation and stays in the list", () => {
    const { model, pass, id, see } = created();
    pass(29 * day - 1);
    expect(see()).toMatchObject({ archived_at: null, results_url: expect.any(String) });
    pass(1);
    expect(see()).toMatchObject({ archived_at: "2026-12-20T22:00:00.000000Z", results_url: null });
    expect(() => model.batchResults(id, caller)).toThrow("has no available results");
    expect(model.listBatches({}, caller).data).toHaveLength(1);
  });

  it("can be deleted only after its end, and is gone then", () => {
    const { model, pass, id } = created();
    expect(() => model.deleteBatch(id, caller)).toThrow("cannot be deleted");
    pass(10);
    expect(model.deleteBatch(id, caller)).toEqual({ id, type: "message_batch_deleted" });
    expect(() => model.retrieveBatch(id, caller)).toThrow("not found");
    expect(model.listBatches({}, caller).data).toEqual([]);
    expect(model.bill()).toHaveLength(10);
  });

  it("is not there for another workspace", () => {
    const { model, id } = created();
    const other = { ...caller, workspaceId: "wrkspc_other" };
    expect(() => model.retrieveBatch(id, other)).toThrow("not found");
    expect(model.listBatches({}, other)).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });

  it("is refused when the queue is full, and taken when there is room again", () => {
    const { model, pass } = created({ maxQueuedRequests: 15 });
    expect(() => model.createBatch(batchBody(...many(10)), caller)).toThrow(expect.objectContaining({ status: 429 }));
    pass(10);
    expect(model.createBatch(batchBody(...many(10)), caller)).toMatchObject({ processing_status: "in_progress" });
  });

  it("waits for its slowest request", () => {
    const { pass, see } = created({}, [params("quick"), params("[[stand-in: slow 50]]")]);
    pass(59);
    expect(see()).toMatchObject({ processing_status: "in_progress" });
    pass(1);
    expect(see()).toMatchObject({ request_counts: { succeeded: 2 } });
  });
});

describe("the list of batches", () => {
  const { model, pass } = modelAt();
  const ids = Array.from({ length: 5 }, () => {
    pass(1);
    return String(model.createBatch(batchBody(params("x")), caller)["id"]);
  }).toReversed();
  const list = (query: object) => {
    const { data, ...rest } = model.listBatches(query, caller);
    return { ids: data.map((batch) => batch["id"]), ...rest };
  };

  it("is newest first and paged by cursors in both directions", () => {
    expect(list({})).toEqual({ ids, has_more: false, first_id: ids[0], last_id: ids[4] });
    expect(list({ limit: "2" })).toEqual({ ids: ids.slice(0, 2), has_more: true, first_id: ids[0], last_id: ids[1] });
    expect(list({ limit: "2", after_id: ids[1] })).toMatchObject({ ids: ids.slice(2, 4), has_more: true });
    expect(list({ limit: "2", after_id: ids[3] })).toMatchObject({ ids: ids.slice(4), has_more: false });
    expect(list({ limit: "2", before_id: ids[3] })).toMatchObject({ ids: ids.slice(1, 3), has_more: true });
  });

  it.each([
    [{ limit: "0" }, "limit: Input should be greater"],
    [{ limit: "1001" }, "limit: Input should be less"],
    [{ limit: "x" }, "limit: Input should be a valid integer"],
    [{ after_id: "msgbatch_no" }, "after_id: no such object"],
    [{ after_id: "a", before_id: "b" }, "only one of"],
  ])("refuses %j", (query, message) => {
    expect(() => list(query)).toThrow(message);
  });
});

it("gives the same ids, orders and answers to the same seed, times and calls", () => {
  const play = (seed: string) => {
    const { model, pass } = modelAt({ seed });
    const id = String(model.createBatch(batchBody(...many(20)), caller)["id"]);
    pass(10);
    return [id, ...model.batchResults(id, caller).lines];
  };
  expect(play("one")).toEqual(play("one"));
  expect(play("one")).not.toEqual(play("two"));
  expect(start).toBe(Date.parse("2026-11-21T22:00:00Z"));
});
