import type { Item, Key } from "../../functions/clients/table.ts";

/** Where the delivery of a session's current turn is noted by itself. */
export function deliveryKeyOf({ pk, turn }: Pick<Item, "pk"> & { turn?: unknown }): Key {
  return { pk, sk: `DELIVERY#${String(turn).padStart(4, "0")}` };
}

/** Whether one of these items notes the delivery of a session's current turn, by itself or with its page. */
export function deliveredTurns(
  items: Iterable<Pick<Item, "pk" | "sk"> & { turns?: unknown }>,
): (session: Pick<Item, "pk"> & { turn?: unknown }) => boolean {
  const told = new Set<string>();
  for (const { pk, sk, turns } of items) {
    if (sk.startsWith("DELIVERY#")) told.add(`${pk.replace("SESSION#", "")}.${Number(sk.split("#")[1])}`);
    if (sk.startsWith("DELIVERED#") && Array.isArray(turns)) for (const turn of turns) told.add(String(turn));
  }
  return ({ pk, turn }) => told.has(`${pk.replace("SESSION#", "")}.${String(turn)}`);
}
