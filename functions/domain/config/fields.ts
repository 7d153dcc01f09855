import * as v from "valibot";
import { maxModelCharacters, maxTimeoutSeconds } from "../limits.ts";

/** Fields that more than one part of the file has. Every message completes the sentence that its path begins. */

export function integer(min: number, max: number) {
  const message = `must be an integer from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

export function text(maxCharacters: number) {
  return v.pipe(
    v.string("must be text"),
    v.check((value) => value.trim() !== "", "must not be empty"),
    v.maxLength(maxCharacters, `must have at most ${maxCharacters} characters`),
    v.check((value) => value.isWellFormed(), "must be well-formed Unicode"),
  );
}

export function oneOf<const T extends readonly [string, string, ...string[]]>(...words: T) {
  const quoted = words.map((word) => `"${word}"`);
  return v.picklist(words, `must be ${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1) ?? ""}`);
}

export const boolean = v.boolean("must be true or false");

/** OpenClaw's pattern for agents; jobs share it, since both stand in session keys, where a colon separates. */
export const id = v.pipe(
  v.string("must be text"),
  v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must match ^[a-z0-9][a-z0-9_-]{0,63}$"),
);

export const model = v.pipe(
  text(maxModelCharacters),
  v.check(
    (value) => !value.startsWith("anthropic/"),
    'must be the id that Anthropic uses, without "anthropic/" before it',
  ),
);

export const mode = oneOf("batch", "realtime");
export const onDeadline = oneOf("wait", "fallback", "fail");
export const delivery = oneOf("each", "digest");
export const cacheRetention = oneOf("none", "short", "long", "auto");
export const timeoutSeconds = integer(0, maxTimeoutSeconds);

export const timeZone = v.pipe(
  v.string("must be text"),
  v.check(isTimeZone, "must be an IANA time zone, such as Europe/Berlin"),
);

/** Offsets such as `+01:00` are no time zones to EventBridge Scheduler. */
function isTimeZone(tz: string): boolean {
  if (!/^[A-Za-z]/.test(tz)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: tz }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
