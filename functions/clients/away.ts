/** What AWS says when the call itself is wrong: it is so at every repeat, and about what was sent. */
const aboutTheCall = ["ValidationException", "NoSuchKey", "InvalidRequestException"];

/** A service took part of a call only: what it did not take it may take later. */
export class NotTakenError extends Error {
  override name = "NotTakenError";
}

/**
 * Whether a service did not answer, or not now: then nobody's session is at fault. The SDK gives every error of a call
 * that it made `$metadata`, a lost connection included.
 */
export function isAway(error: unknown): boolean {
  if (error instanceof NotTakenError) return true;
  return error instanceof Error && "$metadata" in error && !aboutTheCall.includes(error.name);
}
