import type { Usage } from "../../../../infra/local/anthropic/answer.ts";
import {
  type Caller,
  createModel,
  type StandInModel,
  type WorldOptions,
} from "../../../../infra/local/anthropic/model.ts";

export const caller: Caller = { workspaceId: "wrkspc_test", version: "2026-10-21", betas: [] };
export const start = Date.UTC(2026, 10, 21, 22);

/** A model whose batches take exactly ten seconds, on a clock that the test moves. */
export function modelAt(options: Partial<WorldOptions> = {}) {
  const clock = { time: start, now: () => clock.time };
  const seconds = { min: 10, max: 10 };
  const model = createModel({ clock, batchSeconds: seconds, messageSeconds: { min: 1, max: 1 }, ...options });
  const pass = (amount: number) => {
    clock.time += amount * 1000;
  };
  return { model, pass };
}

export function params(task: string, more: Record<string, unknown> = {}) {
  return { model: "claude-sonnet-5-5", max_tokens: 1000, messages: [{ role: "user", content: task }], ...more };
}

export function batchBody(...items: Record<string, unknown>[]): string {
  return JSON.stringify({ requests: items.map((item, index) => ({ custom_id: `task-${index}`, params: item })) });
}

export interface Content {
  type: string;
  text?: string;
}

export interface Line {
  custom_id: string;
  result: {
    type: string;
    message?: { id: string; stop_reason: string; content: Content[]; usage: Usage };
    error?: { type: string; request_id: null; error: { type: string; message: string } };
  };
}

/** Creates a batch, lets it end, and gives its lines in the order of the requests. */
export function run(model: StandInModel, pass: (seconds: number) => void, ...items: Record<string, unknown>[]): Line[] {
  const batch = model.createBatch(batchBody(...items), caller);
  pass(10);
  return linesOf(model, String(batch["id"]));
}

export function linesOf(model: StandInModel, batchId: string): Line[] {
  const lines = Array.from(model.batchResults(batchId, caller).lines, (line): Line => JSON.parse(line));
  return lines.toSorted((a, b) => Number(a.custom_id.slice(5)) - Number(b.custom_id.slice(5)));
}

/** A system prompt of so many tokens that may be cached. */
export function cached(tokens: number, ttl: "5m" | "1h" = "5m", letter = "s") {
  return [{ type: "text", text: letter.repeat(tokens * 4), cache_control: { type: "ephemeral", ttl } }];
}

export async function collect<T, U = T>(items: AsyncIterable<T>, read: (item: T) => U): Promise<U[]> {
  const all: U[] = [];
  for await (const item of items) all.push(read(item));
  return all;
}
