/**
 * The errors a caller can see, named for what they should do about them, and the one place that makes a response of
 * them: `{error: {type, message, param?, figures?}}`.
 */

const types = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  405: "method_not_allowed",
  409: "conflict_error",
  410: "gone_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "unavailable_error",
} as const;

export type RequestErrorStatus = keyof typeof types;

/** The request cannot be served as it is; the message says what to change and `param` names the field. */
export class RequestError extends Error {
  readonly status: RequestErrorStatus;
  readonly param: string | undefined;
  readonly headers: Record<string, string>;
  /** What the message says, for a program to read. */
  readonly figures: object | undefined;

  constructor(
    status: RequestErrorStatus,
    message: string,
    more: { param?: string; headers?: Record<string, string>; figures?: object } = {},
  ) {
    super(message);
    this.name = "RequestError";
    this.status = status;
    this.param = more.param;
    this.headers = more.headers ?? {};
    this.figures = more.figures;
  }
}

/** @throws RequestError 409 where one key came with two bodies; both by their SHA-256 */
export function checkSameBody(earlier: string, now: string): void {
  if (earlier === now) return;
  throw new RequestError(409, "this Idempotency-Key was used with another body", { param: "Idempotency-Key" });
}

export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: { error: { type: string; message: string; param?: string; figures?: object } };
}

/** An error that is not a `RequestError` is ours: 500 without a word of its text, which may hold what a caller sent. */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (!(error instanceof RequestError)) {
    const message = "something went wrong on our side; the request may be sent again with the same Idempotency-Key";
    return { status: 500, headers: {}, body: { error: { type: "api_error", message } } };
  }
  const { status, message, param, headers, figures } = error;
  return {
    status,
    headers,
    body: {
      error: {
        type: types[status],
        message,
        ...(param === undefined ? {} : { param }),
        ...(figures === undefined ? {} : { figures }),
      },
    },
  };
}

/** A record of ours (item, message, environment) is not what its writer should have written; the message names the field. */
export class CorruptRecordError extends Error {
  constructor(what: string, field: string) {
    super(`${what}: ${field}`);
    this.name = "CorruptRecordError";
  }
}

/** What a log may say of an error: its name. The message may hold what a caller sent. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
