import type { Lane } from "./config/index.ts";
import { contentRefusalBytes } from "./limits.ts";
import { type ApiErrorBody, parkReason } from "./outcome.ts";

/** An HTTP answer that is not 2xx, to a call that creates paid work. */
export interface RefusedAnswer {
  /** Of HTTP; 0 when nobody could be reached, so that nothing was sent. */
  status: number;
  /** Undefined when the body was not Anthropic's JSON (a proxy answers 413 with HTML). */
  error: ApiErrorBody | undefined;
  retryAfterSeconds?: number;
}

/**
 * What a refusal of a create call proves. `content`: this body will never be taken, split it. `park`: nothing was made
 * and nothing is wrong with the work, wait. `unknown`: a batch may exist; ask Anthropic's list before doing anything.
 */
export type CreateRefusal =
  | { kind: "content"; message: string }
  | { kind: "park"; reason: string; message: string; retryAfterSeconds?: number }
  | { kind: "unknown"; message: string };

/** The reason of a lane whose credential is good, but not for batches: what becomes of its work is the lane's policy. */
export const batchesUnavailable = "batches_unavailable";

/** Said of the organization's queue of batched requests. A request of the batch at fault is named by its place. */
const queueFull = /^(?!requests\.).*\b(processing queue|batch(es)? queue|queued (batch )?requests|queue limit)\b/i;

const parkingStatuses: Record<number, string> = {
  0: "unreachable",
  401: "authentication",
  402: "billing",
  403: "permission",
  404: batchesUnavailable,
  429: "rate_limit",
};

export function classifyCreateRefusal(answer: RefusedAnswer, bodyBytes: number): CreateRefusal {
  const message = answer.error?.message ?? `HTTP ${answer.status}`;
  const reason = reasonIn(answer) ?? parkingStatuses[answer.status];
  // Only Anthropic's own words say that a body is wrong: a page of some proxy says nothing of the request behind it.
  const isExplained = answer.status === 400 && answer.error !== undefined;
  if (isExplained && reason === undefined) return { kind: "content", message };
  // A small body is not too large: some proxy spoke, and what it did with the request is not known.
  if (answer.status === 413) return { kind: bodyBytes < contentRefusalBytes ? "unknown" : "content", message };
  const isCertain = isExplained || parkingStatuses[answer.status] !== undefined;
  if (!isCertain || reason === undefined) return { kind: "unknown", message };
  const wait = answer.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: answer.retryAfterSeconds };
  return { kind: "park", reason, message, ...wait };
}

function reasonIn({ status, error }: RefusedAnswer): string | undefined {
  if (error === undefined) return undefined;
  const isQueueFull = (status === 400 || status === 429) && queueFull.test(error.message ?? "");
  return isQueueFull ? "queue_full" : parkReason(error);
}

/** Whether a lane pays the full price rather than wait, as it was told to. Once a probe is under way, batches are to be had. */
export function goesRealtime(
  { onBatchUnavailable }: Pick<Lane, "onBatchUnavailable">,
  parked: { reason: string; probe?: string } | undefined,
): boolean {
  return onBatchUnavailable === "realtime" && parked?.reason === batchesUnavailable && parked.probe === undefined;
}
