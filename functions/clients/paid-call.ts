import { APIConnectionError, APIError, APIUserAbortError } from "@anthropic-ai/sdk/error";
import type { RefusedAnswer } from "../domain/create-outcome.ts";
import { nameOf } from "../domain/errors.ts";
import type { ApiErrorBody } from "../domain/outcome.ts";

/** What came of a call that creates paid work. `unknown` is everything that does not prove whether work was created. */
export type PaidCall<T> =
  | ({ kind: "accepted"; workspaceId?: string } & T)
  | { kind: "refused"; answer: RefusedAnswer }
  | { kind: "unknown"; message: string };

const unreachedCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/** One call, and what it proves. */
export async function paidCall<T extends object>(
  call: () => Promise<(T & { workspaceId?: string }) | undefined>,
): Promise<PaidCall<T>> {
  try {
    const accepted = await call();
    return accepted === undefined
      ? { kind: "unknown", message: "the answer is not what was asked for" }
      : { kind: "accepted", ...accepted };
  } catch (error) {
    if (error instanceof APIError && error.status !== undefined) return { kind: "refused", answer: toRefusal(error) };
    if (error instanceof NoBatchesError) return { kind: "refused", answer: noBatches };
    if (hasCause(error, isKeyRefused)) return { kind: "refused", answer: keyRefused };
    if (hasCause(error, isKeyUnread)) return { kind: "refused", answer: notSent("the API key cannot be read") };
    if (hasCause(error, isUnreached)) return { kind: "refused", answer: notSent("the API cannot be reached") };
    if (error instanceof APIUserAbortError) return { kind: "unknown", message: "no answer in time" };
    if (error instanceof APIConnectionError) return { kind: "unknown", message: "the connection was lost" };
    return { kind: "unknown", message: nameOf(error) };
  }
}

/** Nothing was sent, so nothing can have been made. */
function notSent(message: string): RefusedAnswer {
  return { status: 0, error: { type: "unreachable", message } };
}

export class KeyUnreadError extends Error {}
/** There is no key to be had, and there will be none until somebody changes that. */
export class KeyRefusedError extends KeyUnreadError {}
export class NoBatchesError extends Error {}

/** As the API itself would answer; nothing was sent. */
const noBatches: RefusedAnswer = {
  status: 404,
  error: { type: "not_found_error", message: "an OAuth token cannot create batches" },
};

const keyRefused: RefusedAnswer = {
  status: 401,
  error: { type: "authentication_error", message: "the token exchange was refused" },
};

const isKeyRefused = (error: Error) => error instanceof KeyRefusedError;
const isKeyUnread = (error: Error) => error instanceof KeyUnreadError;
/** The connection was never there: a name that is not found, or nobody who listens. */
const isUnreached = (error: Error) => "code" in error && unreachedCodes.has(String(error.code));

function hasCause(error: unknown, isIt: (error: Error) => boolean): boolean {
  return error instanceof Error && (isIt(error) || hasCause(error.cause, isIt));
}

function toRefusal(error: APIError): RefusedAnswer {
  const { status = 0, type, apiMessage, errorCode } = error;
  const body: ApiErrorBody | undefined =
    apiMessage === null && type === null
      ? undefined
      : { type, message: apiMessage, details: { error_code: errorCode } };
  const retryAfterSeconds = Number(error.headers?.get("retry-after") ?? Number.NaN);
  return { status, error: body, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) };
}
