import * as v from "valibot";
import type { Item, Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import { sha256, turnName } from "../domain/ids.ts";
import { concurrency } from "../domain/limits.ts";
import { isExpired } from "../domain/retention.ts";
import type { Session } from "../domain/session.ts";
import { insertFresh } from "./expiry.ts";
import { manifestPartition } from "./manifest-items.ts";
import { sessionPartition } from "./session-items.ts";
import { type Delivery, deliveryKey } from "./turn-items.ts";
import { itemVersion, readableItem } from "./versions.ts";

/**
 * That turns were delivered: a fact of each, written once. Those that one page of a manifest's results ended are told of at one
 * time, so one item says it of all of them; any other turn has an item of its own, beside its session.
 */
export interface Deliveries {
  insertDelivery(delivery: Delivery): Promise<void>;
  /** Of many turns at once. Again with the same turns, it changes nothing. */
  insertDeliveries(page: ResultPage, turns: readonly string[], fact: Pick<Delivery, "at" | "expiresAt">): Promise<void>;
  /** When the current turns of these sessions were delivered, by session; of those that were. */
  delivered(sessions: readonly Session[]): Promise<Map<string, number>>;
}

/** Lines of a manifest's results that were settled together; the number is that of the first. */
export interface ResultPage {
  manifestId: string;
  page: number;
}

const pageSchema = v.object({ turns: v.array(v.string()), at: v.number() });
const timeSchema = v.object({ at: v.number() });

const pagePrefix = (page: number) => `DELIVERED#${String(page).padStart(6, "0")}#`;

export function deliveryStore(table: Table, clock: Clock): Deliveries {
  return {
    async insertDelivery({ sessionId, turn, ...fact }) {
      const key = { pk: sessionPartition(sessionId), sk: deliveryKey(turn) };
      await insertFresh(table, { ...key, v: itemVersion, turn, ...fact }, clock.now());
    },
    async insertDeliveries({ manifestId, page }, turns, fact) {
      // A further reading may tell of others of the same page: what they are makes the key.
      const sk = `${pagePrefix(page)}${sha256(turns.join()).slice(0, 16)}`;
      await table.insert({ pk: manifestPartition(manifestId), sk, v: itemVersion, turns, ...fact });
    },
    async delivered(sessions) {
      const found = await deliveredByPage(sessions, table);
      const left = sessions.filter(({ sessionId }) => !found.has(sessionId));
      const keys = left.map(({ sessionId, turn }) => ({ pk: sessionPartition(sessionId), sk: deliveryKey(turn) }));
      const items = (await table.getMany(keys)).filter((item) => !isExpired(item, clock.now()));
      for (const item of items) found.set(item.pk.replace("SESSION#", ""), timeOf(item));
      return found;
    },
  };
}

/** One query a page, however many of these sessions it ended. */
async function deliveredByPage(sessions: readonly Session[], table: Table): Promise<Map<string, number>> {
  const byPage = Map.groupBy(
    sessions.filter(({ page, winner }) => page !== undefined && winner !== undefined),
    ({ page = 0, winner = "" }) => `${winner} ${page}`,
  );
  const found = new Map<string, number>();
  await mapConcurrently([...byPage.values()], concurrency, async (ended) => {
    const [{ page = 0, winner = "" } = {}] = ended;
    const { items } = await table.query({ pk: manifestPartition(winner), prefix: pagePrefix(page) });
    const times = new Map(items.flatMap(toTimes));
    for (const session of ended) {
      const at = times.get(turnName(session));
      if (at !== undefined) found.set(session.sessionId, at);
    }
  });
  return found;
}

/** One that cannot be read says nothing: then its turns are told of once more. */
function toTimes(item: Item): [string, number][] {
  const read = readableItem(pageSchema, item);
  return read === undefined ? [] : read.turns.map((turn) => [turn, read.at]);
}

/** That it is there says it; when, it may not be able to say. */
function timeOf(item: Item): number {
  return readableItem(timeSchema, item)?.at ?? 0;
}
