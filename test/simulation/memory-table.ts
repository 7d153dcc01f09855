import type {
  Change,
  Clause,
  Found,
  IndexQuery,
  Item,
  Key,
  Page,
  Put,
  Query,
  Table,
  Write,
} from "../../functions/clients/table.ts";

export type MemoryTable = Table & { items(): Item[] };

const keyText = ({ pk, sk }: Key) => `${pk} ${sk}`;

/** DynamoDB's promises in memory: conditions, transactions, strong reads, and an index that may answer from the past. */
export function memoryTable({ staleReads }: { staleReads: () => boolean }): MemoryTable {
  const items = new Map<string, Item>();
  const partitions = new Map<string, Set<string>>();
  /** What each item was before its last change, for reads of the index that come too early. */
  const before = new Map<string, Item | undefined>();

  const store = (item: Item): Item => {
    const key = keyText(item);
    const kept = structuredClone(Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)));
    before.set(key, items.get(key));
    items.set(key, { ...kept, pk: item.pk, sk: item.sk });
    const partition = partitions.get(item.pk) ?? new Set();
    partitions.set(item.pk, partition.add(key));
    return structuredClone({ ...kept, pk: item.pk, sk: item.sk });
  };
  const drop = (key: string, pk: string) => {
    before.set(key, items.get(key));
    items.delete(key);
    partitions.get(pk)?.delete(key);
  };
  const refused = (current: Item | undefined): Found =>
    current === undefined ? { moved: false } : { moved: false, current: structuredClone(current) };

  const put = ({ item, when }: Put): Found => {
    const current = items.get(keyText(item));
    return holds(current, when) ? { moved: true, item: store(item) } : refused(current);
  };
  const update = (change: Change): Found => {
    const current = items.get(keyText(change.key));
    return holds(current, change.when) ? { moved: true, item: store(changed(current, change)) } : refused(current);
  };
  const isAllowed = (write: Write): boolean => {
    if ("put" in write) return holds(items.get(keyText(write.put.item)), write.put.when);
    const { key, when } = "update" in write ? write.update : write.remove;
    return holds(items.get(keyText(key)), when);
  };
  const carryOut = (write: Write): void => {
    if ("put" in write) put(write.put);
    else if ("update" in write) update(write.update);
    else drop(keyText(write.remove.key), write.remove.key.pk);
  };

  return {
    items: () => [...items.values()],
    get: async (key) => structuredClone(items.get(keyText(key))),
    getMany: async (keys) => keys.flatMap((key) => structuredClone(items.get(keyText(key))) ?? []),
    insert: async (item) => put({ item, when: [{ attribute: "pk", is: "absent" }] }),
    put: async (write) => put(write),
    update: async (change) => update(change),
    async transact(writes) {
      if (!writes.every(isAllowed)) return false;
      writes.forEach(carryOut);
      return true;
    },
    query: async (query) =>
      runQuery(
        [...(partitions.get(query.pk) ?? [])].flatMap((key) => items.get(key) ?? []),
        query,
      ),
    async queryIndex(query) {
      const seen = [...new Set([...items.keys(), ...before.keys()])].flatMap((key) => {
        const isStale = before.has(key) && staleReads();
        return (isStale ? before.get(key) : items.get(key)) ?? [];
      });
      return runIndexQuery(seen, query);
    },
  };
}

function holds(item: Item | undefined, clauses: readonly Clause[]): boolean {
  return clauses.every((clause) => {
    const value = item?.[clause.attribute];
    if (clause.is === "absent") return value === undefined;
    if (clause.is === "present") return value !== undefined;
    if (clause.is === "oneOf") return clause.values.some((one) => one === value);
    if (clause.is === "equal") return value === clause.value;
    return typeof value === "number" && value <= clause.value;
  });
}

function changed(current: Item | undefined, { key, set = {}, add = {}, remove = [] }: Change): Item {
  const next: Item = { ...current, ...key };
  for (const [attribute, value] of Object.entries(set)) if (value !== undefined) next[attribute] = value;
  for (const [attribute, value] of Object.entries(add)) next[attribute] = Number(next[attribute] ?? 0) + value;
  for (const attribute of remove) delete next[attribute];
  return next;
}

function runQuery(items: Item[], { prefix = "", after, limit, newestFirst = false }: Query): Page {
  const sorted = items.filter(({ sk }) => sk.startsWith(prefix)).sort((one, other) => (one.sk < other.sk ? -1 : 1));
  if (newestFirst) sorted.reverse();
  const start = after === undefined ? 0 : sorted.findIndex(({ sk }) => (newestFirst ? sk < after.sk : sk > after.sk));
  const rest = start === -1 ? [] : sorted.slice(start);
  return paged(rest, limit ?? rest.length);
}

function runIndexQuery(items: Item[], query: IndexQuery): Page {
  const { partition, sort, upTo, below, limit, newestFirst = false } = query;
  const found = items.filter((item) => {
    const value = item[sort];
    if (item[partition.attribute] !== partition.value || value === undefined) return false;
    if (upTo !== undefined) return Number(value) <= upTo;
    return below === undefined || (typeof value === "string" && value < below);
  });
  const place = (item: Item) => item[sort];
  found.sort((one, other) => ((place(one) ?? 0) < (place(other) ?? 0) ? -1 : 1));
  if (newestFirst) found.reverse();
  const page = paged(found, limit);
  return { ...page, items: page.items.map(({ pk, sk, ...rest }) => ({ pk, sk, [sort]: rest[sort] })) };
}

function paged(items: Item[], limit: number): Page {
  const page = structuredClone(items.slice(0, limit));
  const last = page.at(-1);
  return items.length > limit && last !== undefined
    ? { items: page, next: { pk: last.pk, sk: last.sk } }
    : { items: page };
}
