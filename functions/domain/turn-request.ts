import * as v from "valibot";
import { type Marking, withCacheMarkers } from "./cache-markers.ts";
import type { Agent, CacheRetention } from "./config/index.ts";
import { CorruptRecordError } from "./errors.ts";
import { type CustomId, formatCustomId } from "./ids.ts";
import { jsonObject, parseJson, parseRecord, time } from "./parse.ts";
import { type RawJson, stringifyWithRaw } from "./raw-json.ts";
import { terminalStatuses } from "./session.ts";

const cacheRetention = v.picklist(["none", "short", "long"]);
const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Frozen here, since the session forgets it with the move into this turn. */
const previousSchema = v.strictObject({
  turn: count,
  status: v.picklist(["paused", ...terminalStatuses]),
  /** The source of its answer; absent where it ended without one. */
  source: v.exactOptional(v.string()),
  stopReason: v.exactOptional(v.string()),
});
export type PreviousTurn = v.InferOutput<typeof previousSchema>;

const schema = v.strictObject({
  /** Parameters of the Messages API but for `messages`, frozen at acceptance: a later config changes nothing. */
  params: v.record(v.string(), v.unknown()),
  betas: v.array(v.string()),
  cacheRetention,
  /** Its `auto` chose that: only what others share is marked, and that also where a primer went ahead for them. */
  cacheAuto: v.exactOptional(v.literal(true)),
  /** The user's message, verbatim; null for a turn that only continues the last (`pause_turn`). */
  message: v.nullable(v.string()),
  /**
   * The turn this one follows. A number between the two belongs to a request that no turn was made of. A bare source is what
   * was written when only a pause of the turn before could be followed.
   */
  previous: v.optional(v.union([v.string(), previousSchema])),
  /** How often the task has paused since the user spoke. */
  pauses: v.optional(count),
  /** Which call asked for it: the same for a repeat with one idempotency key. First turns have the session's id for that. */
  callId: v.optional(v.string()),
  /** When the message was accepted, milliseconds since the epoch. */
  at: time,
  metadata: v.optional(jsonObject),
});

/** One turn's request, insert-only. */
export type TurnRequest = Omit<v.InferOutput<typeof schema>, "previous"> & { previous?: PreviousTurn };

/** @param turn whose request it is */
export function parseTurnRequest(text: string, turn: number): TurnRequest {
  const { previous, ...request } = parseRecord(schema, parseJson(text), "request");
  if (previous === undefined) return request;
  if (typeof previous === "string")
    return { ...request, pauses: turn - 1, previous: { turn: turn - 1, status: "paused", source: previous } };
  if (previous.turn >= turn)
    throw new CorruptRecordError("request", `turn ${turn} cannot follow turn ${previous.turn}`);
  return { ...request, previous };
}

/** The same task goes on after a pause, with the assistant's content so far and no new message. */
export function continuedTurn(last: TurnRequest, paused: { turn: number; source: string; at: number }): TurnRequest {
  const { turn, source, at } = paused;
  const previous = { turn, source, status: "paused" as const };
  return { ...frozenIn(last), message: null, previous, pauses: (last.pauses ?? 0) + 1, at };
}

/** The user speaks again. All else is as it was in the turn before: thinking is signed over it. */
export function followUpTurn(
  last: TurnRequest,
  said: { message: string; callId: string; previous: PreviousTurn; at: number },
): TurnRequest {
  return { ...frozenIn(last), ...said };
}

/** What a session keeps from turn to turn. */
function frozenIn({ params, betas, cacheRetention, cacheAuto }: TurnRequest) {
  return { params, betas, cacheRetention, ...(cacheAuto === undefined ? {} : { cacheAuto }) };
}

/** What every request of an agent to one model has in common. */
export function agentParams({ maxTokens, system, params }: Agent, model: string): Record<string, unknown> {
  return { model, max_tokens: maxTokens, ...(system === undefined ? {} : { system }), ...params };
}

/** What was asked for, or what `auto` chose. */
export interface FrozenCache {
  retention: CacheRetention;
  isAuto: boolean;
}

export interface FirstTurn {
  task: string;
  model: string;
  at: number;
  cache: FrozenCache;
  metadata?: Record<string, unknown>;
}

/** The first turn of a session: the task is the only user message. */
export function firstTurn(agent: Agent, { model, task, at, cache, metadata }: FirstTurn): TurnRequest {
  return {
    params: agentParams(agent, model),
    betas: agent.betas,
    cacheRetention: cache.retention,
    ...(cache.isAuto ? { cacheAuto: true } : {}),
    message: task,
    at,
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** What the answer to an earlier turn said: the content of its message, as received. */
export interface EarlierAnswer {
  content: RawJson;
}

export interface Conversation {
  /** Requests by turn, the first first; the last is the one to be sent. */
  requests: readonly TurnRequest[];
  /** The answer to each request before the last; undefined where there is none to send. */
  answers: readonly (EarlierAnswer | undefined)[];
}

function markingOf({ cacheRetention, cacheAuto }: TurnRequest): Marking {
  return { retention: cacheRetention, prefixOnly: cacheAuto === true };
}

/**
 * The Messages API body of a turn: its frozen parameters, the conversation so far, and the cache markers.
 * @param marking other than what was frozen, where a primer goes ahead or went
 */
export function messageParams({ requests, answers }: Conversation, marking?: Marking): Record<string, unknown> {
  const last = requests.at(-1);
  if (last === undefined) throw new Error("a conversation has at least one request");
  const messages = requests.flatMap((request, index) => {
    const answer = answers[index];
    const user = request.message === null ? [] : [{ role: "user", content: request.message }];
    return answer === undefined ? user : [...user, { role: "assistant", content: answer.content }];
  });
  return withCacheMarkers({ ...last.params, messages }, marking ?? markingOf(last));
}

/** The same, serialized, with the answers so far byte for byte as they were received. */
export function messageBody(conversation: Conversation, marking?: Marking): string {
  return stringifyWithRaw(messageParams(conversation, marking));
}

/** One request of a batch, around a body that was serialized once. */
export function batchRequestLine(id: CustomId, body: string): string {
  return `{"custom_id":${JSON.stringify(formatCustomId(id))},"params":${body}}`;
}
