import * as v from "valibot";
import type { Item, Table, Write } from "../clients/table.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import type { Booking } from "../domain/ledger.ts";
import type { Result } from "../domain/outcome.ts";
import { parseRecord } from "../domain/parse.ts";
import { picoText } from "../domain/picos.ts";
import { type Tier, tiers } from "../domain/prices.ts";
import type { Session } from "../domain/session.ts";
import { parseTurnRequest, type TurnRequest } from "../domain/turn-request.ts";
import { usageSchema } from "../domain/usage.ts";
import type { Bodies, Packed } from "./bodies.ts";
import { parseSession, sessionPartition } from "./session-items.ts";

/** The facts of a session's turns. Each is written once and never changed, so a repeat that finds it there is done. */
export interface Turns {
  /** `false` with the hash that is there, when the turn has a request already. */
  insertRequest(
    entry: RequestEntry,
  ): Promise<{ inserted: true } | { inserted: false; hash: string; acceptance?: Session }>;
  getRequest(sessionId: string, turn: number): Promise<RequestEntry | undefined>;
  /**
   * @param booking what the ledger says of it, where Anthropic bills it
   * @param spent what it takes from budgets, in one transaction with it
   */
  insertResult(entry: ResultEntry, booking?: Booking, spent?: readonly Write[]): Promise<void>;
  /** Packs the texts of many results, to be inserted one by one. */
  packResults(source: string, texts: readonly string[]): Promise<Packed[]>;
  getResult(sessionId: string, turn: number, source: string): Promise<StoredResult | undefined>;
  /** Those of these that are there, by `<sessionId>.<turn>.<source>`. One that cannot be read is billed, and has no price. */
  getResults(names: readonly ResultName[]): Promise<Map<string, StoredResult>>;
  /** The real-time attempts among these that were written down. */
  attempted(names: readonly ResultName[]): Promise<Set<string>>;
  /** Written before the call is made. Its id is new, so there is nothing to compare with. */
  putAttempt(attempt: Attempt): Promise<void>;
  insertDelivery(delivery: Delivery): Promise<void>;
  /** Everything that is known about a session's turns. */
  read(sessionId: string): Promise<TurnFacts>;
  /** The text of a result, as it was received. */
  readBody(result: StoredResult): Promise<string>;
}

export interface RequestEntry {
  sessionId: string;
  turn: number;
  /** SHA-256 of the body as the caller sent it. */
  hash: string;
  request: TurnRequest;
  /** What the session's small item is made of, so that a repeat after a crash makes the same one. First turns only. */
  acceptance?: Session;
}

export interface ResultName {
  sessionId: string;
  turn: number;
  /** The manifest or real-time attempt it came from. */
  source: string;
}

export interface ResultEntry extends Result {
  sessionId: string;
  turn: number;
  /** The manifest or real-time attempt it came from. */
  source: string;
  tier: Tier;
  receivedAt: number;
  /** As received: a line of a result file or the body of an answer. */
  text: string;
  /** The same as it is to be kept, where it was packed together with others. */
  body?: Packed;
}

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
  receivedAt: v.number(),
  body: v.unknown(),
});
export type StoredResult = v.InferOutput<typeof resultSchema>;

const attemptSchema = v.object({ turn: v.number(), run: v.string(), startedAt: v.number() });
/** A real-time call about to be made. One without a result may have been paid. */
export type Attempt = v.InferOutput<typeof attemptSchema> & { sessionId: string };

const deliverySchema = v.object({ turn: v.number(), id: v.string(), at: v.number() });
export type Delivery = v.InferOutput<typeof deliverySchema> & { sessionId: string };

const requestSchema = v.object({
  turn: v.number(),
  hash: v.string(),
  body: v.unknown(),
  acceptance: v.optional(v.unknown()),
});

export interface TurnFacts {
  requests: Map<number, TurnRequest>;
  results: StoredResult[];
  attempts: Omit<Attempt, "sessionId">[];
  deliveries: Map<number, Omit<Delivery, "sessionId">>;
  /** Sort keys of those that cannot be read: the others can be shown all the same. */
  damaged: string[];
}

const turnKey = (turn: number) => String(turn).padStart(4, "0");
const requestKey = (turn: number) => `REQUEST#${turnKey(turn)}`;
const resultKey = (turn: number, source: string) => `RESULT#${turnKey(turn)}#${source}`;
const attemptKey = (turn: number, run: string) => `ATTEMPT#${turnKey(turn)}#${run}`;

export function turnStore(table: Table, bodies: Bodies): Turns {
  const at = (sessionId: string, sk: string) => ({ pk: sessionPartition(sessionId), sk });
  return {
    async insertRequest({ sessionId, turn, hash, request, acceptance }) {
      const body = await bodies.pack(JSON.stringify(request), `requests/${sessionId}`);
      const extra = acceptance === undefined ? {} : { acceptance };
      const found = await table.insert({ ...at(sessionId, requestKey(turn)), turn, hash, body, ...extra });
      if (found.moved) return { inserted: true };
      const there = parseRecord(requestSchema, found.current, `REQUEST of ${sessionId}`);
      return { inserted: false, hash: there.hash, ...acceptanceOf(there, sessionId) };
    },
    async getRequest(sessionId, turn) {
      const item = await table.get(at(sessionId, requestKey(turn)));
      if (item === undefined) return undefined;
      const there = parseRecord(requestSchema, item, `REQUEST of ${sessionId}`);
      const request = parseTurnRequest(await bodies.unpack(there.body), turn);
      return { sessionId, turn, hash: there.hash, request, ...acceptanceOf(there, sessionId) };
    },
    async insertResult(entry, booking, spent = []) {
      const { sessionId, text, outcome, body: packed, ...facts } = entry;
      const body = packed ?? (await bodies.pack(text, `results/${sessionId}`));
      const item = {
        ...at(sessionId, resultKey(entry.turn, entry.source)),
        ...facts,
        ...(booking === undefined ? {} : bookingItem(booking)),
        outcome: outcome.kind,
        body,
      };
      if (spent.length === 0) await table.insert(item);
      else await table.transact([{ put: { item, when: [{ attribute: "pk", is: "absent" }] } }, ...spent]);
    },
    async getResult(sessionId, turn, source) {
      const item = await table.get(at(sessionId, resultKey(turn, source)));
      return item === undefined ? undefined : parseRecord(resultSchema, item, `RESULT of ${sessionId}`);
    },
    packResults: (source, texts) => bodies.packTogether(texts, `results/${source}`),
    getResults: (names) => getResults(table, names),
    async attempted(names) {
      const keys = names.map(({ sessionId, turn, source }) => at(sessionId, attemptKey(turn, source)));
      return new Set((await table.getMany(keys)).map(({ sk }) => sk.split("#")[2] ?? ""));
    },
    async putAttempt({ sessionId, turn, run, startedAt }) {
      const item = { ...at(sessionId, attemptKey(turn, run)), turn, run, startedAt };
      await table.put({ item, when: [] });
    },
    async insertDelivery({ sessionId, turn, id, at: when }) {
      await table.insert({ ...at(sessionId, `DELIVERY#${turnKey(turn)}`), turn, id, at: when });
    },
    read: (sessionId) => readFacts(table, bodies, sessionId),
    readBody: (result) => bodies.unpack(result.body),
  };
}

async function getResults(table: Table, names: readonly ResultName[]): Promise<Map<string, StoredResult>> {
  const byKey = new Map(
    names.map((name) => [`${sessionPartition(name.sessionId)} ${resultKey(name.turn, name.source)}`, name]),
  );
  const keys = [...byKey.values()].map(({ sessionId, turn, source }) => ({
    pk: sessionPartition(sessionId),
    sk: resultKey(turn, source),
  }));
  const found = new Map<string, StoredResult>();
  for (const item of await table.getMany(keys)) {
    const name = byKey.get(`${item.pk} ${item.sk}`);
    if (name === undefined) continue;
    const { sessionId, turn, source } = name;
    const parsed = v.safeParse(resultSchema, item);
    found.set(`${sessionId}.${turn}.${source}`, parsed.success ? parsed.output : { ...damaged, turn, source });
  }
  return found;
}

/** It may have been paid for. */
const damaged = { type: "unreadable", billed: true, tier: "other", receivedAt: 0, body: undefined } as const;

/** Amounts are text: a number of DynamoDB that JavaScript cannot hold would come back as another. */
function bookingItem({ charge, ...booking }: Booking): object {
  if (charge === undefined) return booking;
  const { paid, realtime, uncached, cacheWrites } = charge;
  const texts = { paid: `${paid}`, realtime: `${realtime}`, uncached: `${uncached}`, cacheWrites: `${cacheWrites}` };
  return { ...booking, charge: texts };
}

function acceptanceOf({ acceptance }: { acceptance?: unknown }, sessionId: string): { acceptance?: Session } {
  return acceptance === undefined ? {} : { acceptance: parseSession(acceptance, `REQUEST of ${sessionId}`) };
}

async function readFacts(table: Table, bodies: Bodies, sessionId: string): Promise<TurnFacts> {
  const facts: TurnFacts = { requests: new Map(), results: [], attempts: [], deliveries: new Map(), damaged: [] };
  let after: Item | { pk: string; sk: string } | undefined;
  do {
    const page = await table.query({ pk: sessionPartition(sessionId), ...(after === undefined ? {} : { after }) });
    for (const item of page.items) {
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
      const { turn, body } = parseRecord(requestSchema, item, what);
      facts.requests.set(turn, parseTurnRequest(await bodies.unpack(body), turn));
      return;
    }
    case "RESULT":
      facts.results.push(parseRecord(resultSchema, item, what));
      return;
    case "ATTEMPT":
      facts.attempts.push(parseRecord(attemptSchema, item, what));
      return;
    case "DELIVERY": {
      const delivery = parseRecord(deliverySchema, item, what);
      facts.deliveries.set(delivery.turn, delivery);
      return;
    }
    default:
      return;
  }
}
