import { errorObject } from "./api-error.ts";
import { type Batch, type Counts, endsAt, workedOn } from "./batch.ts";
import type { Chance } from "./chance.ts";
import { readRequestLine } from "./envelope.ts";
import type { BillLine } from "./journal.ts";
import { doWork, type Outcome, type WorkDeps } from "./work.ts";

export interface SettledBatch {
  counts: Counts;
  /** The lines of the result file, in an order drawn by the seed. */
  results: string[];
  /** One line for each answer that is billed. */
  bill: string[];
}

/**
 * Works on a whole batch at once, as of its end. All its requests start when it is created and no answer begins before it
 * ends, so that siblings never read what siblings wrote, and a later batch reads it only if created after that end.
 */
export function settleBatch(
  { batch, requests }: { batch: Batch; requests: Iterable<string> },
  { chance, ...deps }: WorkDeps & { chance: Chance },
): SettledBatch {
  const { head } = batch;
  const { answered, rest } = workedOn(batch);
  const turns = chance.order(head.count, "turn", head.id);
  const places = chance.order(head.count, "place", head.id);
  const settled: SettledBatch = {
    counts: { succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    results: Array.from({ length: head.count }, () => ""),
    bill: [],
  };
  const rules = { version: head.version, betas: head.betas, batch: true };
  let index = 0;
  for (const line of requests) {
    const { custom_id: customId, params } = readRequestLine(line);
    const messageId = chance.id("msg", head.id, index);
    const times = { startsAt: head.createdAt, answersAt: endsAt(batch) };
    const outcome: Outcome | { type: "canceled" } =
      (turns[index] ?? 0) < answered
        ? doWork({ params, rules, workspaceId: head.workspaceId, messageId, ...times }, deps)
        : { type: rest };
    settled.counts[outcome.type === "malformed" ? "succeeded" : outcome.type] += 1;
    settled.results[places[index] ?? index] = JSON.stringify({ custom_id: customId, result: resultOf(outcome) });
    if (outcome.type === "succeeded") settled.bill.push(JSON.stringify(billFor(outcome, customId, batch)));
    index += 1;
  }
  return settled;
}

function resultOf(outcome: Outcome | { type: "canceled" }): Record<string, unknown> {
  if (outcome.type === "succeeded") return { type: "succeeded", message: outcome.message };
  if (outcome.type === "malformed") return { type: "succeeded", message: { id: null, content: "?" } };
  if (outcome.type !== "errored") return { type: outcome.type };
  // The error is nested: `result.error` is the body a call would have got, without a request id of its own.
  return { type: "errored", error: { type: "error", error: errorObject(outcome.error), request_id: null } };
}

function billFor({ message }: Extract<Outcome, { type: "succeeded" }>, customId: string, { head }: Batch): BillLine {
  return {
    customId,
    messageId: message.id,
    batchId: head.id,
    workspaceId: head.workspaceId,
    model: message.model,
    tier: "batch",
    usage: { ...message.usage },
  };
}
