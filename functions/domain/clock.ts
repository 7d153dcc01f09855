/** The clock and the id maker come in through `deps`, so that a simulation can drive every path. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits; used only where a call's own protocol asks for a pause. */
  sleep(milliseconds: number): Promise<void>;
}

/** A new id: 26 characters of Crockford base32, time-ordered. */
export type NewId = () => string;

/** ECMAScript: the last moment that a date can name. */
export const maxTime = 8_640_000_000_000_000;

export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
