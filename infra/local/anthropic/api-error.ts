/** The types that Anthropic's error bodies name, with the status each one has on a call of its own. */
const statuses = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const;
export type ErrorType = keyof typeof statuses;

export function isErrorType(text: string): text is ErrorType {
  return Object.hasOwn(statuses, text);
}

/** A refusal in the API's own words: a status and body for a call, the same type and message for a line of a batch. */
export class ApiError extends Error {
  readonly type: ErrorType;
  readonly status: number;
  readonly details: Record<string, string> | undefined;

  constructor(type: ErrorType, message: string, more: { status?: number; details?: Record<string, string> } = {}) {
    super(message);
    this.name = "ApiError";
    this.type = type;
    this.status = more.status ?? statuses[type];
    this.details = more.details;
  }
}

export function invalid(message: string): ApiError {
  return new ApiError("invalid_request_error", message);
}

/** `{type, message, details?}`, the innermost object of every error shape. */
export function errorObject(error: ApiError): { type: string; message: string; details?: Record<string, string> } {
  const { type, message, details } = error;
  return { type, message, ...(details === undefined ? {} : { details }) };
}

/** What an account without credit hears, as an `invalid_request_error`, on a call or on every line of an accepted batch. */
export const creditMessage =
  "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.";
/** What a spend limit set by the customer says, an `invalid_request_error` too. */
export const usageLimitMessage =
  "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.";
