import type { Item, Key } from "../../functions/clients/table.ts";

/** Versions older than this are forgotten; no index of ours is ever thought to lag by more. */
const keptMs = 120_000;

interface Version {
  at: number;
  /** Undefined once it was removed. */
  item: Item | undefined;
}

/** The items of a table by key, with what they were a moment ago: an index that lags answers from there. */
export interface ItemHistory {
  get(key: Key): Item | undefined;
  set(item: Item): Item;
  drop(key: Key): void;
  all(): Item[];
  partition(pk: string): Item[];
  /** Each item as it was so long ago, drawn for each anew; at a lag of 0, as it is. */
  asOf(lagMs: () => number): Item[];
  /** Some writes as one: where one of them throws, none of them was made. */
  atOnce(writes: () => void): void;
}

export function itemHistory(clock: { now(): number }): ItemHistory {
  const partitions = new Map<string, Map<string, Version[]>>();
  let log: { versions: Version[]; before: Version[] }[] | undefined;
  const versionsOf = ({ pk, sk }: Key): Version[] => {
    const partition = partitions.get(pk) ?? new Map<string, Version[]>();
    partitions.set(pk, partition);
    const versions = partition.get(sk) ?? [];
    partition.set(sk, versions);
    return versions;
  };
  const write = (key: Key, item: Item | undefined) => {
    const versions = versionsOf(key);
    log?.push({ versions, before: [...versions] });
    versions.push({ at: clock.now(), item });
    // The one that was there when memory begins is still needed.
    while (versions.length > 1 && (versions[1]?.at ?? 0) < clock.now() - keptMs) versions.shift();
  };
  const current = (versions: readonly Version[]) => versions.at(-1)?.item ?? [];
  const everything = () => [...partitions.values()].flatMap((partition) => [...partition.values()]);
  return {
    get: ({ pk, sk }) => partitions.get(pk)?.get(sk)?.at(-1)?.item,
    set(item) {
      write(item, item);
      return item;
    },
    drop: (key) => write(key, undefined),
    all: () => everything().flatMap(current),
    partition: (pk) => [...(partitions.get(pk)?.values() ?? [])].flatMap(current),
    asOf: (lagMs) =>
      everything().flatMap((versions) => {
        const lag = lagMs();
        if (lag <= 0) return current(versions);
        return versions.findLast(({ at }) => at <= clock.now() - lag)?.item ?? [];
      }),
    atOnce(writes) {
      const made: NonNullable<typeof log> = [];
      log = made;
      try {
        writes();
      } catch (error) {
        for (const { versions, before } of made.toReversed()) versions.splice(0, versions.length, ...before);
        throw error;
      } finally {
        log = undefined;
      }
    },
  };
}
