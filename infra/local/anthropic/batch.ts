import type { BatchHead } from "./journal.ts";

/** Batches end 24 h after creation whatever is left; results live 29 days from creation (API reference). */
const lifeMs = 24 * 3600_000;
const resultsLifeMs = 29 * 24 * 3600_000;
/** The share of a batch that is in flight at any moment and cannot be interrupted; a round figure. */
const inFlightShare = 0.1;

export interface Counts {
  succeeded: number;
  errored: number;
  canceled: number;
  expired: number;
}

/** One batch; its state at any moment follows from these facts and the clock. */
export interface Batch {
  head: BatchHead;
  /** When somebody canceled it, and when that takes effect at the latest. */
  cancel?: { at: number; endsAt: number };
  /** Set once it has ended and its results are written. */
  counts?: Counts;
  deleted: boolean;
}

/** The moment it ends: all done, canceled or expired, whichever is first. */
export function endsAt({ head, cancel }: Batch): number {
  return Math.min(head.doneAt, cancel?.endsAt ?? Number.POSITIVE_INFINITY, head.createdAt + lifeMs);
}

/**
 * How many requests get an answer, and what becomes of the others. Work advances evenly from creation to `doneAt`;
 * what is in flight when it is cut off is still finished, so that a cancellation leaves a mix, or cancels nothing.
 */
export function workedOn(batch: Batch): { answered: number; rest: "canceled" | "expired" } {
  const { createdAt, doneAt, count } = batch.head;
  const expiresAt = createdAt + lifeMs;
  const cutAt = Math.min(batch.cancel?.at ?? expiresAt, expiresAt);
  if (cutAt >= doneAt) return { answered: count, rest: "expired" };
  const share = (cutAt - createdAt) / (doneAt - createdAt) + inFlightShare;
  return {
    answered: Math.min(count, Math.round(count * share)),
    rest: batch.cancel === undefined ? "expired" : "canceled",
  };
}

export function isEnded(batch: Batch, now: number): boolean {
  return endsAt(batch) <= now;
}

export function isArchived(batch: Batch, now: number): boolean {
  return batch.head.createdAt + resultsLifeMs <= now;
}

/** The public view. Counts stay frozen, everything in `processing`, until the whole batch has ended. */
export function viewBatch(batch: Batch, now: number, resultsBase: string): Record<string, unknown> {
  const { head, cancel, counts } = batch;
  const ended = counts !== undefined;
  const archived = isArchived(batch, now);
  return {
    id: head.id,
    type: "message_batch",
    processing_status: ended ? "ended" : cancel === undefined ? "in_progress" : "canceling",
    request_counts: counts === undefined ? waiting(head.count) : { processing: 0, ...counts },
    created_at: timestamp(head.createdAt),
    expires_at: timestamp(head.createdAt + lifeMs),
    ended_at: ended ? timestamp(endsAt(batch)) : null,
    cancel_initiated_at: cancel === undefined ? null : timestamp(cancel.at),
    archived_at: archived ? timestamp(head.createdAt + resultsLifeMs) : null,
    results_url: ended && !archived ? `${resultsBase}/v1/messages/batches/${head.id}/results` : null,
  };
}

function waiting(count: number) {
  return { processing: count, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
}

/** Microseconds, as the API writes them. */
function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, -1)}000Z`;
}
