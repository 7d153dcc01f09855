import * as v from "valibot";
import type { CacheSetting } from "./config/index.ts";
import {
  maxIdempotencyKeyCharacters,
  maxLabelCharacters,
  maxMetadataBytes,
  maxModelCharacters,
  maxTimeoutSeconds,
} from "./limits.ts";
import { jsonObject, type Problem, parseStrictly } from "./parse.ts";
import type { Mode, OnDeadline } from "./session.ts";

const id = v.pipe(
  v.string("must be a string"),
  v.minLength(1, "must not be empty"),
  v.maxLength(64, "must have at most 64 characters"),
);
const seconds = v.pipe(
  v.number("must be an integer"),
  v.integer("must be an integer"),
  v.minValue(0, "must be 0 (none) or more"),
  v.maxValue(maxTimeoutSeconds, `must be at most ${maxTimeoutSeconds}`),
);
const isBlank = (text: string) => text.trim() === "";
const isWellFormed = (text: string) => text.isWellFormed();
/** What is nested too deep to be written again has more brackets than any limit. */
const jsonBytes = (value: unknown) => {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};
const keyLength = `must have 1 to ${maxIdempotencyKeyCharacters} characters`;

/** What a user says: sent as it is. */
export const spokenText = v.pipe(
  v.string("must be a string"),
  v.check((text) => !isBlank(text), "must not be empty"),
  v.check(isWellFormed, "must be well-formed Unicode"),
);
/** Two words for one thing. */
export const modeFields = {
  routing: v.optional(v.picklist(["batch", "realtime"], 'must be "batch" or "realtime"')),
  batch: v.optional(v.boolean("must be true or false")),
};

const fields = {
  task: spokenText,
  agentId: v.optional(id),
  model: v.optional(
    v.pipe(
      v.string("must be a string"),
      v.check((model) => !isBlank(model), "must not be empty"),
      v.maxLength(maxModelCharacters, `must have at most ${maxModelCharacters} characters`),
      v.check(isWellFormed, "must be well-formed Unicode"),
    ),
  ),
  label: v.optional(
    v.pipe(
      v.string("must be a string"),
      v.check(
        (label) => Array.from(label).length <= maxLabelCharacters,
        `must have at most ${maxLabelCharacters} characters`,
      ),
      v.check(isWellFormed, "must be well-formed Unicode"),
    ),
  ),
  timeoutSeconds: v.optional(seconds),
  runTimeoutSeconds: v.optional(seconds),
  ...modeFields,
  onDeadline: v.optional(v.picklist(["wait", "fallback", "fail"], 'must be "wait", "fallback" or "fail"')),
  lane: v.optional(id),
  cacheRetention: v.optional(
    v.picklist(["none", "short", "long", "auto"], 'must be "none", "short", "long" or "auto"'),
  ),
  metadata: v.optional(
    v.pipe(
      jsonObject,
      v.check((data) => jsonBytes(data) <= maxMetadataBytes, `must be at most ${maxMetadataBytes} bytes of JSON`),
    ),
  ),
};

const bodySchema = v.object(fields, "must be a JSON object");
const detailSchema = v.object(
  {
    ...fields,
    idempotencyKey: v.optional(
      v.pipe(
        v.string(keyLength),
        v.check((key) => !isBlank(key) && key.length <= maxIdempotencyKeyCharacters, keyLength),
        v.check(isWellFormed, "must be well-formed Unicode"),
      ),
    ),
  },
  "must be a JSON object",
);

/** What a caller asks for, after the synonyms are one word each. */
export interface SpawnRequest {
  task: string;
  agentId?: string;
  model?: string;
  label?: string;
  /** From acceptance; 0 says that there is no deadline, whatever the lane has. */
  timeoutSeconds?: number;
  mode?: Mode;
  onDeadline?: OnDeadline;
  lane?: string;
  cacheRetention?: CacheSetting;
  metadata?: Record<string, unknown>;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/** The body of `POST /api/sessions/spawn`. A blank label is no label, as in OpenClaw. */
export function parseSpawnBody(input: unknown): Parsed<SpawnRequest> {
  const parsed = parseStrictly(bodySchema, input);
  return parsed.ok ? normalize(parsed.value) : parsed;
}

/** The detail of an `offpeak.spawn` event on the bus: the same keys, and its own idempotency key. */
export function parseSpawnDetail(input: unknown): Parsed<{ request: SpawnRequest; idempotencyKey?: string }> {
  const parsed = parseStrictly(detailSchema, input);
  if (!parsed.ok) return parsed;
  const { idempotencyKey, ...body } = parsed.value;
  const normalized = normalize(body);
  if (!normalized.ok) return normalized;
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  return { ok: true, value: { request: normalized.value, ...key } };
}

function normalize(body: v.InferOutput<typeof bodySchema>): Parsed<SpawnRequest> {
  const { batch, routing, timeoutSeconds, runTimeoutSeconds, label, ...rest } = body;
  const { mode, problems } = askedMode(routing, batch);
  if (timeoutSeconds !== undefined && runTimeoutSeconds !== undefined && timeoutSeconds !== runTimeoutSeconds) {
    problems.push({ path: "runTimeoutSeconds", message: "disagrees with timeoutSeconds" });
  }
  if (problems.length > 0) return { ok: false, problems };
  const timeout = timeoutSeconds ?? runTimeoutSeconds;
  const value = {
    task: rest.task,
    ...(rest.agentId === undefined ? {} : { agentId: rest.agentId }),
    ...(rest.model === undefined ? {} : { model: rest.model }),
    ...(rest.onDeadline === undefined ? {} : { onDeadline: rest.onDeadline }),
    ...(rest.lane === undefined ? {} : { lane: rest.lane }),
    ...(rest.cacheRetention === undefined ? {} : { cacheRetention: rest.cacheRetention }),
    ...(rest.metadata === undefined ? {} : { metadata: rest.metadata }),
    ...(label === undefined || isBlank(label) ? {} : { label }),
    ...(mode === undefined ? {} : { mode }),
    ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
  };
  return { ok: true, value };
}

/** The mode that was asked for, in either word, or that the two disagree. */
export function askedMode(
  routing: Mode | undefined,
  batch: boolean | undefined,
): { mode: Mode | undefined; problems: Problem[] } {
  const asked = batch === undefined ? undefined : batch ? "batch" : "realtime";
  const isAgreed = asked === undefined || routing === undefined || asked === routing;
  const problems = isAgreed ? [] : [{ path: "batch", message: `disagrees with routing "${routing}"` }];
  return { mode: routing ?? asked, problems };
}
