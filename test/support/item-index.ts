import type { IndexQuery, Item, Key } from "../../functions/clients/table.ts";
import { compareValues, type IndexKeys } from "./item-values.ts";
import { type SortedList, sortedList } from "./sorted-list.ts";

interface Entry extends Key {
  sort: unknown;
}

/** The items of each index's partitions in order, by key: as they are, and never as they were. */
export interface ItemIndexes {
  /** One item in another's place. */
  replace(was: Item | undefined, is: Item | undefined): void;
  /** From where the query begins, in its direction; `undefined` where there is no such index. */
  walk(query: IndexQuery): Iterable<Key>;
}

export const compareEntries = (one: Entry, other: Entry) =>
  compareValues(one.sort, other.sort) || compareValues(one.pk, other.pk) || compareValues(one.sk, other.sk);

export function itemIndexes(indexes: readonly IndexKeys[]): ItemIndexes {
  const partitions = new Map<string, SortedList<Entry>>();
  const nameOf = (index: string, value: unknown) => `${index} ${String(value)}`;
  const entryIn = (
    { partition, sort }: IndexKeys,
    item: Item | undefined,
  ): (Entry & { value: unknown }) | undefined => {
    const [value, position] = [item?.[partition.name], item?.[sort.name]];
    if (item === undefined || value === undefined || position === undefined) return undefined;
    return { pk: item.pk, sk: item.sk, sort: position, value };
  };
  return {
    replace(was, is) {
      for (const index of indexes) {
        const [old, now] = [entryIn(index, was), entryIn(index, is)];
        if (old?.value === now?.value && old?.sort === now?.sort) continue;
        if (old !== undefined) partitions.get(nameOf(index.name, old.value))?.remove(old);
        if (now === undefined) continue;
        const name = nameOf(index.name, now.value);
        const { value: _, ...entry } = now;
        const entries = partitions.get(name) ?? sortedList(compareEntries);
        partitions.set(name, entries);
        entries.add(entry);
      }
    },
    walk({ index, partition, sort, below, after, newestFirst = false }) {
      const bound =
        after === undefined
          ? newestFirst && below !== undefined && { pk: "", sk: "", sort: below }
          : { pk: String(after["pk"]), sk: String(after["sk"]), sort: after[sort] };
      const entries = partitions.get(nameOf(index, partition.value));
      return entries?.walk(bound === false ? undefined : bound, newestFirst) ?? [];
    },
  };
}
