import * as v from "valibot";
import { parseStrictly } from "./parse.ts";
import type { Mode } from "./session.ts";
import { askedMode, modeFields, type Parsed, spokenText } from "./spawn-request.ts";

const schema = v.object({ message: spokenText, ...modeFields }, "must be a JSON object");

/** What a user says after the first answer. */
export interface FollowUpRequest {
  message: string;
  mode?: Mode;
}

/** The body of `POST /api/sessions/{id}/messages`. */
export function parseFollowUpBody(input: unknown): Parsed<FollowUpRequest> {
  const parsed = parseStrictly(schema, input);
  if (!parsed.ok) return parsed;
  const { message, routing, batch } = parsed.value;
  const { mode, problems } = askedMode(routing, batch);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { message, ...(mode === undefined ? {} : { mode }) } };
}
