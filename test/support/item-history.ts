import type { IndexQuery, Item, Key } from "../../functions/clients/table.ts";
import { itemIndexes } from "./item-index.ts";
import { compareValues, type IndexKeys } from "./item-values.ts";

/** Versions older than this are forgotten; no index of ours is ever thought to lag by more. */
const keptMs = 120_000;

interface Version {
  at: number;
  /** Undefined once it was removed. */
  item: Item | undefined;
}

interface Partition {
  items: Map<string, Version[]>;
  /** Its sort keys in order, until there are others. */
  order?: readonly string[] | undefined;
}

export interface HistoryOptions {
  clock: { now(): number };
  indexes: readonly IndexKeys[];
  /** Whether an index may lag: then what the items were a moment ago is kept. Else their indexes are. */
  lags: boolean;
}

/** The items of a table by key, with what they were a moment ago: an index that lags answers from there. */
export interface ItemHistory {
  get(key: Key): Item | undefined;
  set(item: Item): Item;
  drop(key: Key): void;
  all(): Item[];
  /** In order. */
  partition(pk: string): Item[];
  /** Each item as it was so long ago, drawn for each anew; at a lag of 0, as it is. */
  asOf(lagMs: () => number): Item[];
  /** In order, from where the query begins, of a partition of an index that never lags. */
  walk(query: IndexQuery): Iterable<Item>;
  /** Some writes as one: where one of them throws, none of them was made. */
  atOnce(writes: () => void): void;
}

export function itemHistory({ clock, indexes, lags }: HistoryOptions): ItemHistory {
  const partitions = new Map<string, Partition>();
  const indexed = itemIndexes(lags ? [] : indexes);
  let log: { key: Key; before: readonly Version[] }[] | undefined;
  const versionsOf = ({ pk, sk }: Key) => partitions.get(pk)?.items.get(sk) ?? [];
  const currentOf = (versions: readonly Version[]) => versions.at(-1)?.item;
  const replace = ({ pk, sk }: Key, versions: Version[]) => {
    const partition = partitions.get(pk) ?? { items: new Map<string, Version[]>() };
    indexed.replace(currentOf(partition.items.get(sk) ?? []), currentOf(versions));
    const isGone = versions.every(({ item }) => item === undefined) && !lags;
    if (isGone || !partition.items.has(sk)) partition.order = undefined;
    if (isGone) partition.items.delete(sk);
    else partition.items.set(sk, versions);
    if (partition.items.size === 0) partitions.delete(pk);
    else partitions.set(pk, partition);
  };
  const write = (key: Key, item: Item | undefined) => {
    const before = versionsOf(key);
    log?.push({ key, before });
    // The one that was there when memory begins is still needed.
    const first = before.findLastIndex(({ at }) => at <= clock.now() - keptMs);
    const past = lags ? before.slice(Math.max(0, first)) : [];
    replace(key, [...past, { at: clock.now(), item }]);
  };
  const orderOf = (partition: Partition) => {
    partition.order ??= [...partition.items.keys()].sort(compareValues);
    return partition.order;
  };
  const get = (key: Key) => currentOf(versionsOf(key));
  const everything = () => [...partitions.values()].flatMap(({ items }) => [...items.values()]);
  return {
    get,
    set(item) {
      write({ pk: item.pk, sk: item.sk }, item);
      return item;
    },
    drop: (key) => write(key, undefined),
    all: () => everything().flatMap((versions) => currentOf(versions) ?? []),
    partition(pk) {
      const partition = partitions.get(pk);
      return partition === undefined ? [] : orderOf(partition).flatMap((sk) => get({ pk, sk }) ?? []);
    },
    asOf: (lagMs) =>
      everything().flatMap((versions) => {
        const lag = lagMs();
        if (lag <= 0) return currentOf(versions) ?? [];
        return versions.findLast(({ at }) => at <= clock.now() - lag)?.item ?? [];
      }),
    *walk(query) {
      for (const key of indexed.walk(query)) {
        const item = get(key);
        if (item !== undefined) yield item;
      }
    },
    atOnce(writes) {
      const made: NonNullable<typeof log> = [];
      log = made;
      try {
        writes();
      } catch (error) {
        for (const { key, before } of made.toReversed()) replace(key, [...before]);
        throw error;
      } finally {
        log = undefined;
      }
    },
  };
}
