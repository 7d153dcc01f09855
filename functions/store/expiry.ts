import type { Clause, Found, Item, Table } from "../clients/table.ts";
import { isExpired } from "../domain/retention.ts";

/** Holds where what is there has expired, and waits only to be removed. */
export function whenExpired(now: number): Clause[] {
  return [{ attribute: "expiresAt", is: "atMost", value: Math.floor(now / 1000) }];
}

/** An insert to which what has expired is nothing: an idempotency key may be used again, long after its session has gone. */
export async function insertFresh(table: Table, item: Item, now: number): Promise<Found> {
  const found = await table.insert(item);
  const isGone = !found.moved && found.current !== undefined && isExpired(found.current, now);
  return isGone ? table.put({ item, when: whenExpired(now) }) : found;
}
