import * as v from "valibot";
import type { Item, Key, Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import type { Booking } from "../domain/ledger.ts";
import { time } from "../domain/parse.ts";
import { picoText } from "../domain/picos.ts";
import { tiers } from "../domain/prices.ts";
import { isExpired } from "../domain/retention.ts";
import type { Session } from "../domain/session.ts";
import { parseTurnRequest, type TurnRequest } from "../domain/turn-request.ts";
import { usageSchema } from "../domain/usage.ts";
import type { Bodies } from "./bodies.ts";
import { parseSession, sessionPartition } from "./session-items.ts";
import { readableItem, readItem } from "./versions.ts";

/** How the facts of a turn lie in the table, beside the small item of their session. */
const turnKey = (turn: number) => String(turn).padStart(4, "0");
export const requestKey = (turn: number) => `REQUEST#${turnKey(turn)}`;
export const resultKey = (turn: number, source: string) => `RESULT#${turnKey(turn)}#${source}`;
export const attemptKey = (turn: number, run: string) => `ATTEMPT#${turnKey(turn)}#${run}`;
export const deliveryKey = (turn: number) => `DELIVERY#${turnKey(turn)}`;

const chargeSchema = v.object({ paid: picoText, realtime: picoText, uncached: picoText, cacheWrites: picoText });

const resultSchema = v.object({
  turn: v.number(),
  source: v.string(),
  type: v.string(),
  billed: v.boolean(),
  tier: v.picklist(tiers),
  usage: v.exactOptional(usageSchema),
  model: v.exactOptional(v.string()),
  inferenceGeo: v.exactOptional(v.string()),
  unpriced: v.exactOptional(v.string()),
  agentId: v.exactOptional(v.string()),
  lane: v.exactOptional(v.string()),
  label: v.exactOptional(v.string()),
  cronJob: v.exactOptional(v.string()),
  charge: v.exactOptional(chargeSchema),
  receivedAt: time,
  body: v.unknown(),
});
export type StoredResult = v.InferOutput<typeof resultSchema>;

/** Whose it is, and when it goes, as its session does, in seconds. */
type Of = { sessionId: string; expiresAt?: number | undefined };

const attemptSchema = v.object({ turn: v.number(), run: v.string(), startedAt: time });
/** A real-time call about to be made. One without a result may have been paid. */
export type Attempt = v.InferOutput<typeof attemptSchema> & Of;

const deliverySchema = v.object({ turn: v.number(), id: v.string(), at: time });
export type Delivery = v.InferOutput<typeof deliverySchema> & Of;

const requestSchema = v.object({
  turn: v.number(),
  hash: v.string(),
  body: v.unknown(),
  acceptance: v.optional(v.unknown()),
});

/** @throws CorruptRecordError naming the field */
export function toRequest(item: unknown, sessionId: string): { hash: string; body: unknown; acceptance?: Session } {
  const what = `REQUEST of ${sessionId}`;
  const { hash, body, acceptance } = readItem(requestSchema, item, what);
  return { hash, body, ...(acceptance === undefined ? {} : { acceptance: parseSession(acceptance, what) }) };
}

/** @throws CorruptRecordError naming the field */
export function toResult(item: Item, sessionId: string): StoredResult {
  return readItem(resultSchema, item, `RESULT of ${sessionId}`);
}

/** One that cannot be read may have been paid for. */
export function toResultOrDamaged(item: Item, turn: number, source: string): StoredResult {
  const damaged = { type: "unreadable", billed: true, tier: "other", receivedAt: 0, body: undefined } as const;
  return readableItem(resultSchema, item) ?? { ...damaged, turn, source };
}

export interface TurnFacts {
  requests: Map<number, TurnRequest>;
  results: StoredResult[];
  attempts: Omit<Attempt, keyof Of>[];
  deliveries: Map<number, Omit<Delivery, keyof Of>>;
  /** Sort keys of those that cannot be read: the others can be shown all the same. */
  damaged: string[];
}

/** Amounts are text: a number of DynamoDB that JavaScript cannot hold would come back as another. */
export function bookingItem({ charge, ...booking }: Booking): object {
  if (charge === undefined) return booking;
  const { paid, realtime, uncached, cacheWrites } = charge;
  const texts = { paid: `${paid}`, realtime: `${realtime}`, uncached: `${uncached}`, cacheWrites: `${cacheWrites}` };
  return { ...booking, charge: texts };
}

/** Everything that is known about a session's turns. */
export async function readFacts(
  sessionId: string,
  { table, bodies, clock }: { table: Table; bodies: Bodies; clock: Clock },
): Promise<TurnFacts> {
  const facts: TurnFacts = { requests: new Map(), results: [], attempts: [], deliveries: new Map(), damaged: [] };
  let after: Key | undefined;
  do {
    const page = await table.query({ pk: sessionPartition(sessionId), ...(after === undefined ? {} : { after }) });
    for (const item of page.items.filter((one) => !isExpired(one, clock.now()))) {
      try {
        await addFact(facts, item, bodies);
      } catch (error) {
        if (!(error instanceof CorruptRecordError)) throw error;
        facts.damaged.push(item.sk);
      }
    }
    after = page.next;
  } while (after !== undefined);
  return facts;
}

async function addFact(facts: TurnFacts, item: Item, bodies: Bodies): Promise<void> {
  const what = `${item.sk} of ${item.pk}`;
  switch (item.sk.split("#")[0]) {
    case "REQUEST": {
      const { turn, body } = readItem(requestSchema, item, what);
      facts.requests.set(turn, parseTurnRequest(await bodies.unpack(body), turn));
      return;
    }
    case "RESULT":
      facts.results.push(readItem(resultSchema, item, what));
      return;
    case "ATTEMPT":
      facts.attempts.push(readItem(attemptSchema, item, what));
      return;
    case "DELIVERY": {
      const delivery = readItem(deliverySchema, item, what);
      facts.deliveries.set(delivery.turn, delivery);
      return;
    }
    default:
      return;
  }
}
