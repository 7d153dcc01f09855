import { describe, expect, it } from "vitest";
import type { Usage } from "../../../../infra/local/anthropic/answer.ts";
import { cached, caller, modelAt, params, run } from "./helpers.ts";

/** What one answer paid for its input: uncached, written for 5 minutes, for an hour, read. */
function paid({ usage }: { usage: Usage }) {
  const { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } = usage.cache_creation;
  expect(usage.cache_creation_input_tokens).toBe(short + long);
  return { input: usage.input_tokens, short, long, read: usage.cache_read_input_tokens };
}

/** Eight characters: two tokens. */
const task = "task 000";

function world() {
  const { model, pass } = modelAt();
  const batch = (...items: Record<string, unknown>[]) =>
    run(model, pass, ...items).map((line) => paid(line.result.message!));
  const single = (item: Record<string, unknown>) =>
    paid(model.createMessage(JSON.stringify(item), caller).message as { usage: Usage });
  return { model, pass, batch, single };
}

describe("the prompt cache", () => {
  it("lets all siblings of a batch write, since none can read before the first answer begins", () => {
    const { batch } = world();
    const item = params(task, { system: cached(600) });
    const wrote = { input: 2, short: 600, long: 0, read: 0 };
    expect(batch(item, item, item)).toEqual([wrote, wrote, wrote]);
  });

  it("lets a later batch read what a primer wrote", () => {
    const { batch } = world();
    const item = params(task, { system: cached(600, "1h") });
    expect(batch(item)).toEqual([{ input: 2, short: 0, long: 600, read: 0 }]);
    const read = { input: 2, short: 0, long: 0, read: 600 };
    expect(batch(item, item)).toEqual([read, read]);
  });

  it("gives nothing to a batch that was created before the primer ended", () => {
    const { model, pass } = world();
    const body = JSON.stringify({ requests: [{ custom_id: "task-0", params: params(task, { system: cached(600) }) }] });
    model.createBatch(body, caller);
    pass(5);
    model.createBatch(body, caller);
    pass(20);
    expect(model.bill().map(({ usage }) => usage.cache_creation_input_tokens)).toEqual([600, 600]);
  });

  it("counts a lifetime from the start of the request that wrote", () => {
    const { batch, pass } = world();
    const item = params(task, { system: cached(600) });
    batch(item);
    pass(300 - 10 - 1);
    expect(batch(item)[0]?.read).toBe(600);
    pass(300 - 10);
    expect(batch(item)[0]).toMatchObject({ short: 600, read: 0 });
  });

  it("keeps what is read alive, for free", () => {
    const { batch, pass } = world();
    const item = params(task, { system: cached(600) });
    batch(item);
    for (let time = 0; time < 5; time++) {
      pass(200);
      expect(batch(item)[0]?.read).toBe(600);
    }
  });

  it("does not lengthen a short entry because a long one reads it", () => {
    const { batch, pass } = world();
    batch(params(task, { system: cached(600, "5m") }));
    expect(batch(params(task, { system: cached(600, "1h") }))[0]).toMatchObject({ long: 0, read: 600 });
    pass(300);
    expect(batch(params(task, { system: cached(600, "1h") }))[0]).toMatchObject({ long: 600, read: 0 });
  });

  it.each([
    ["claude-sonnet-5-5", 511, 512],
    ["claude-sonnet-5", 1023, 1024],
    ["claude-opus-4-7", 2047, 2048],
    ["claude-haiku-4-5", 4095, 4096],
  ])("silently leaves a prefix of %s uncached below its minimum", (model, below, least) => {
    const { batch } = world();
    expect(batch(params(task, { model, system: cached(below) }))[0]).toEqual({
      input: below + 2,
      short: 0,
      long: 0,
      read: 0,
    });
    expect(batch(params(task, { model, system: cached(least) }))[0]).toEqual({
      input: 2,
      short: least,
      long: 0,
      read: 0,
    });
  });

  it("wants the very same prefix: tools come first, and the model and the workspace count", () => {
    const { batch, model } = world();
    const item = params(task, { system: cached(600) });
    batch(item);
    expect(batch(params(task, { system: cached(600, "5m", "t") }))[0]?.read).toBe(0);
    expect(batch({ ...item, tools: [{ name: "look", input_schema: {} }] })[0]?.read).toBe(0);
    expect(batch({ ...item, model: "claude-opus-5" })[0]?.read).toBe(0);
    const other = { ...caller, workspaceId: "wrkspc_other" };
    expect(model.createMessage(JSON.stringify(item), other).message).toMatchObject({
      usage: { cache_read_input_tokens: 0 },
    });
    expect(batch({ ...item, max_tokens: 7 })[0]?.read).toBe(600);
  });

  it("lets tool choice spoil the messages, not the system prompt", () => {
    const { batch } = world();
    const tools = [{ name: "look", input_schema: {} }];
    const item = params(task.repeat(1000), { tools, system: cached(600), cache_control: { type: "ephemeral" } });
    const first = batch(item)[0];
    const second = batch({ ...item, tool_choice: { type: "none" } })[0];
    expect(second?.read).toBeGreaterThan(600);
    expect(second?.read).toBeLessThan(620);
    expect((second?.read ?? 0) + (second?.short ?? 0)).toBe(first?.short);
  });

  it("writes each part for as long as its own breakpoint says", () => {
    const { batch } = world();
    const item = params("x".repeat(4000), { system: cached(600, "1h"), cache_control: { type: "ephemeral" } });
    expect(batch(item)[0]).toEqual({ input: 0, short: 1000, long: 600, read: 0 });
  });

  it("looks back twenty positions and no further", () => {
    const { batch } = world();
    const texts = (count: number, mark: boolean) =>
      Array.from({ length: count }, (_, index) => ({
        type: "text",
        text: `${index}`.padEnd(400, "x"),
        ...(mark && index === count - 1 ? { cache_control: { type: "ephemeral" } } : {}),
      }));
    const ask = (count: number) => params("", { messages: [{ role: "user", content: texts(count, true) }] });
    batch(ask(10));
    expect(batch(ask(30))[0]?.read).toBe(0);
    const fresh = world();
    fresh.batch(ask(10));
    expect(fresh.batch(ask(29))[0]?.read).toBe(1000);
  });

  it("does not let batches read what real-time calls wrote", () => {
    const { batch, single, pass } = world();
    const item = params(task, { system: cached(600) });
    expect(single(item)).toMatchObject({ short: 600, read: 0 });
    pass(2);
    expect(single(item)).toMatchObject({ short: 0, read: 600 });
    expect(batch(item)[0]).toMatchObject({ short: 600, read: 0 });
  });

  it("lets a real-time call read only once the first answer has begun", () => {
    const { single, pass } = world();
    const item = params(task, { system: cached(600) });
    single(item);
    expect(single(item)).toMatchObject({ short: 600, read: 0 });
    pass(1);
    expect(single(item).read).toBe(600);
  });
});
