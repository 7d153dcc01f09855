import { expect } from "vitest";
import type { IndexQuery, Item, Page, Table } from "../../functions/clients/table.ts";
import type { MemoryTable } from "../support/memory-table.ts";

const byKey = (one: Item, other: Item) => (`${one.pk} ${one.sk}` < `${other.pk} ${other.sk}` ? -1 : 1);
const sorted = (items: readonly Item[]) => items.toSorted(byKey);

/** What an index says for certain: entries of the same time have no order, so that a page that is cut has any of the last. */
function certainOf({ items }: Page, { limit, sort }: IndexQuery): unknown {
  return items.length < limit ? sorted(items) : items.map((item) => item[sort]);
}

/** How often each call was made, and where the two did not say the same. */
export type Twin = MemoryTable & { calls: Record<string, number>; disagreements: string[] };

/**
 * The table in memory, which answers, and a real one beside it, which is asked the same in the same order and has to agree: on what
 * is moved and refused, on what stands in the way, and on every item read.
 */
export function twinTable(memory: MemoryTable, real: Table): Twin {
  const [calls, disagreements]: [Twin["calls"], string[]] = [{}, []];
  let before: Promise<unknown> = Promise.resolve();
  /** One call at a time: two at once would have an order in memory, and maybe another one in the database. */
  const both = <T>(
    name: keyof Table,
    ask: (table: Table) => Promise<T>,
    certain: (answer: T) => unknown,
  ): Promise<T> => {
    const asked = before.then(async () => {
      calls[name] = (calls[name] ?? 0) + 1;
      const [one, other] = await Promise.allSettled([ask(memory), ask(real)]);
      const [expected, found] = [one, other].map((end) =>
        end.status === "fulfilled" ? certain(end.value) : "refused",
      );
      try {
        expect(found).toEqual(expected);
      } catch (error) {
        // Kept, and not thrown: a room would take it for a failure of the service, and go on.
        disagreements.push(`${name}: ${String(error)}`);
      }
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
    before = asked.catch(() => {});
    return asked;
  };
  const same = <T>(answer: T): T => answer;
  return {
    calls,
    disagreements,
    items: memory.items,
    peek: memory.peek,
    get: (key) => both("get", (table) => table.get(key), same),
    getMany: (keys) => both("getMany", (table) => table.getMany(keys), sorted),
    insert: (item) => both("insert", (table) => table.insert(item), same),
    put: (write) => both("put", (table) => table.put(write), same),
    update: (change) => both("update", (table) => table.update(change), same),
    transact: (writes) => both("transact", (table) => table.transact(writes), same),
    query: (query) =>
      both(
        "query",
        (table) => table.query(query),
        ({ items }) => items,
      ),
    queryIndex: (query) =>
      both(
        "queryIndex",
        (table) => table.queryIndex(query),
        (page) => certainOf(page, query),
      ),
  };
}
