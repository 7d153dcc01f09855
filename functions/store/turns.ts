import type { Item, Key, Table, Write } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { turnName } from "../domain/ids.ts";
import type { Booking } from "../domain/ledger.ts";
import { concurrency } from "../domain/limits.ts";
import type { Result } from "../domain/outcome.ts";
import type { Tier } from "../domain/prices.ts";
import { isExpired } from "../domain/retention.ts";
import type { Session } from "../domain/session.ts";
import { parseTurnRequest, type TurnRequest } from "../domain/turn-request.ts";
import type { Bodies, Packed } from "./bodies.ts";
import { type Deliveries, deliveryStore } from "./deliveries.ts";
import { insertFresh } from "./expiry.ts";
import { sessionPartition } from "./session-items.ts";
import {
  type Attempt,
  attemptKey,
  bookingItem,
  readFacts,
  requestKey,
  resultKey,
  type StoredResult,
  type TurnFacts,
  toRequest,
  toResult,
  toResultOrDamaged,
} from "./turn-items.ts";
import { itemVersion } from "./versions.ts";

/** The facts of a session's turns. Each is written once and never changed, so a repeat that finds it there is done. */
export interface Turns extends Deliveries {
  /** `false` with the hash that is there, when the turn has a request already. */
  insertRequest(
    entry: RequestEntry,
  ): Promise<{ inserted: true } | { inserted: false; hash: string; acceptance?: Session }>;
  getRequest(sessionId: string, turn: number): Promise<RequestEntry | undefined>;
  /** Those of these turns, by `<sessionId>.<turn>`. One that cannot be read is left out: asked for by itself, it says why. */
  getRequests(turns: readonly Omit<ResultName, "source">[]): Promise<Map<string, RequestEntry>>;
  /**
   * @param booking what the ledger says of it, where Anthropic bills it
   * @param spent what it takes from budgets, in one transaction with it
   * @returns whether it was not there before
   */
  insertResult(entry: ResultEntry, booking?: Booking, spent?: readonly Write[]): Promise<boolean>;
  /** Packs many requests, to be inserted one by one. */
  packRequests(requests: readonly TurnRequest[], expiresAt: number | undefined): Promise<Packed[]>;
  /** Packs the texts of many results, to be inserted one by one. @param expiresAt when the last of their sessions goes */
  packResults(source: string, texts: readonly string[], expiresAt: number | undefined): Promise<Packed[]>;
  getResult(sessionId: string, turn: number, source: string): Promise<StoredResult | undefined>;
  /** Those of these that are there, by `<sessionId>.<turn>.<source>`. One that cannot be read is billed, and has no price. */
  getResults(names: readonly ResultName[]): Promise<Map<string, StoredResult>>;
  /** The real-time attempts among these that were written down. */
  attempted(names: readonly ResultName[]): Promise<Set<string>>;
  /** Written before the call is made. Its id is new, so there is nothing to compare with. */
  putAttempt(attempt: Attempt): Promise<void>;
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
  /** The request as it is to be kept, where it was packed together with others. */
  body?: Packed;
  /** As its session, in seconds. */
  expiresAt?: number | undefined;
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
  /** As its session, in seconds. */
  expiresAt?: number | undefined;
}

const keyName = ({ pk, sk }: Key) => `${pk} ${sk}`;

export function turnStore(table: Table, bodies: Bodies, clock: Clock): Turns {
  const at = (sessionId: string, sk: string) => ({ pk: sessionPartition(sessionId), sk });
  const facts = (sessionId: string, sk: string) => ({ ...at(sessionId, sk), v: itemVersion });
  const entryOf = async (item: Item, { sessionId, turn }: Omit<ResultName, "source">): Promise<RequestEntry> => {
    const { body, ...there } = toRequest(item, sessionId);
    return { sessionId, turn, request: parseTurnRequest(await bodies.unpack(body), turn), ...there };
  };
  return {
    ...deliveryStore(table, clock),
    async insertRequest({ sessionId, turn, hash, request, acceptance, body: packed, expiresAt }) {
      const place = { path: `requests/${sessionId}`, expiresAt };
      const body = packed ?? (await bodies.pack(JSON.stringify(request), place));
      const extra = acceptance === undefined ? {} : { acceptance };
      const item = { ...facts(sessionId, requestKey(turn)), turn, hash, body, ...extra, expiresAt };
      const found = await insertFresh(table, item, clock.now());
      if (found.moved) return { inserted: true };
      const { body: _, ...there } = toRequest(found.current, sessionId);
      return { inserted: false, ...there };
    },
    async getRequest(sessionId, turn) {
      const item = await table.get(at(sessionId, requestKey(turn)));
      return item === undefined || isExpired(item, clock.now()) ? undefined : entryOf(item, { sessionId, turn });
    },
    async getRequests(turns) {
      const byKey = new Map(turns.map((one) => [keyName(at(one.sessionId, requestKey(one.turn))), one]));
      const found = new Map<string, RequestEntry>();
      const items = await table.getMany(turns.map(({ sessionId, turn }) => at(sessionId, requestKey(turn))));
      await mapConcurrently(items, concurrency, async (item) => {
        const one = byKey.get(keyName(item));
        const entry = one === undefined ? undefined : await entryOf(item, one).catch(() => undefined);
        if (entry !== undefined) found.set(turnName(entry), entry);
      });
      return found;
    },
    async insertResult(entry, booking, spent = []) {
      const { sessionId, text, outcome, body: packed, ...rest } = entry;
      const body = packed ?? (await bodies.pack(text, { path: `results/${sessionId}`, expiresAt: entry.expiresAt }));
      const item = {
        ...facts(sessionId, resultKey(entry.turn, entry.source)),
        ...rest,
        ...(booking === undefined ? {} : bookingItem(booking)),
        outcome: outcome.kind,
        body,
      };
      if (spent.length === 0) return (await table.insert(item)).moved;
      return table.transact([{ put: { item, when: [{ attribute: "pk", is: "absent" }] } }, ...spent]);
    },
    async getResult(sessionId, turn, source) {
      const item = await table.get(at(sessionId, resultKey(turn, source)));
      return item === undefined ? undefined : toResult(item, sessionId);
    },
    packRequests: (requests, expiresAt) =>
      bodies.packTogether(
        requests.map((request) => JSON.stringify(request)),
        { path: "requests", expiresAt },
      ),
    packResults: (source, texts, expiresAt) => bodies.packTogether(texts, { path: `results/${source}`, expiresAt }),
    getResults: (names) => getResults(table, names),
    async attempted(names) {
      const keys = names.map(({ sessionId, turn, source }) => at(sessionId, attemptKey(turn, source)));
      return new Set((await table.getMany(keys)).map(({ sk }) => sk.split("#")[2] ?? ""));
    },
    async putAttempt({ sessionId, turn, run, startedAt, expiresAt }) {
      const item = { ...facts(sessionId, attemptKey(turn, run)), turn, run, startedAt, expiresAt };
      await table.put({ item, when: [] });
    },
    read: (sessionId) => readFacts(sessionId, { table, bodies, clock }),
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
    found.set(`${sessionId}.${turn}.${source}`, toResultOrDamaged(item, turn, source));
  }
  return found;
}
