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
import { tableDefinition } from "../../infra/table-definition.ts";
import { itemHistory } from "./item-history.ts";
import { compareEntries } from "./item-index.ts";
import {
  bytesOf,
  checkedItem,
  checkKey,
  checkSize,
  compareValues,
  copied,
  type IndexKeys,
  ValidationException,
} from "./item-values.ts";

/** DynamoDB: data a page, writes a transaction, operands of IN. */
const maxPageBytes = 1024 * 1024;
const maxTransactItems = 100;
const maxOperands = 100;

export interface MemoryTableOptions {
  /** Needed for an index that lags. */
  clock?: { now(): number };
  /** How far the index is behind, drawn anew for each item and query; 0 unless given. Changes at this very moment are not seen. */
  indexLagMs?: () => number;
  indexes?: readonly IndexKeys[];
}

/** With what only a test may see: every item, in no order, as copies; and one of them, not to be changed. */
export type MemoryTable = Table & { items(): Item[]; peek(key: Key): Item | undefined };

/**
 * DynamoDB's promises in memory: conditions from their clauses, transactions as a whole or not at all, strong reads, an
 * index with what it includes that may answer from the past, and copies in and out. What DynamoDB refuses throws here as well.
 */
export function memoryTable(options: MemoryTableOptions = {}): MemoryTable {
  const { clock = { now: () => 0 }, indexLagMs } = options;
  const indexes: readonly IndexKeys[] = options.indexes ?? tableDefinition.indexes;
  const history = itemHistory({ clock, indexes, lags: indexLagMs !== undefined });
  const put = ({ item, when }: Put): Found => {
    checkKey(item);
    checkClauses(when);
    const current = history.get(item);
    return holds(current, when) ? moved(history.set(checkedItem(item, indexes))) : refused(current);
  };
  const update = (change: Change): Found => {
    checkChange(change);
    const current = history.get(change.key);
    if (!holds(current, change.when)) return refused(current);
    return moved(history.set(checkedItem(changed(current, change), indexes)));
  };
  const carryOut = (write: Write): void => {
    if ("put" in write) put(write.put);
    else if ("update" in write) update(write.update);
    else history.drop(write.remove.key);
  };
  return {
    items: () => copied(history.all()),
    peek: (key) => history.get(key),
    get: async (key) => {
      checkKey(key);
      return copied(history.get(key));
    },
    getMany: async (keys) => {
      checkDistinct(keys);
      keys.forEach(checkKey);
      return keys.flatMap((key) => copied(history.get(key)) ?? []);
    },
    insert: async (item) => put({ item, when: [{ attribute: "pk", is: "absent" }] }),
    put: async (write) => put(write),
    update: async (change) => update(change),
    async transact(writes) {
      checkTransaction(writes);
      if (!writes.every((write) => holds(history.get(keyOf(write)), clausesOf(write)))) return false;
      history.atOnce(() => writes.forEach(carryOut));
      return true;
    },
    query: async (query) => {
      checkSize("pk", query.pk);
      return runQuery(history.partition(query.pk), query);
    },
    async queryIndex(query) {
      const index = indexes.find(({ name }) => name === query.index);
      checkSize(query.partition.attribute, query.partition.value);
      if (index === undefined) throw new ValidationException(`no index ${query.index}`);
      const items = indexLagMs === undefined ? history.walk(query) : inOrder(history.asOf(indexLagMs), query);
      return runIndexQuery(items, query, index.includes ?? []);
    },
  };
}

function keyOf(write: Write): Key {
  if ("put" in write) return write.put.item;
  return "update" in write ? write.update.key : write.remove.key;
}

function clausesOf(write: Write): readonly Clause[] {
  if ("put" in write) return write.put.when;
  return "update" in write ? write.update.when : write.remove.when;
}

const moved = (item: Item): Found => ({ moved: true, item: copied(item) });
const refused = (current: Item | undefined): Found =>
  current === undefined ? { moved: false } : { moved: false, current: copied(current) };

/** All clauses must hold. An absent attribute equals nothing and is at most nothing. */
export function holds(item: Item | undefined, clauses: readonly Clause[]): boolean {
  return clauses.every((clause) => {
    const value = item?.[clause.attribute];
    switch (clause.is) {
      case "absent":
        return value === undefined;
      case "present":
        return value !== undefined;
      case "oneOf":
        return clause.values.some((one) => one === value);
      case "equal":
        return value === clause.value;
      default:
        return typeof value === "number" && value <= clause.value;
    }
  });
}

function changed(current: Item | undefined, { key, set = {}, add = {}, remove = [] }: Change): Item {
  const next: Item = { ...current, pk: key.pk, sk: key.sk };
  for (const [attribute, value] of Object.entries(set)) if (value !== undefined) next[attribute] = value;
  for (const [attribute, value] of Object.entries(add)) {
    const before = next[attribute] ?? 0;
    if (typeof before !== "number") throw new ValidationException(`${attribute}: is no number to add to`);
    next[attribute] = before + value;
  }
  for (const attribute of remove) delete next[attribute];
  return next;
}

function checkChange({ key, set = {}, add = {}, remove = [], when }: Change): void {
  checkKey(key);
  checkClauses(when);
  const settable = Object.entries(set).filter(([, value]) => value !== undefined);
  const names = [...settable.map(([attribute]) => attribute), ...Object.keys(add), ...remove];
  if (names.length === 0) throw new ValidationException("Invalid UpdateExpression: The expression can not be empty");
  if (new Set(names).size < names.length) throw new ValidationException("Two document paths overlap with each other");
  if (names.includes("pk") || names.includes("sk")) throw new ValidationException("Cannot update a key attribute");
}

function checkClauses(clauses: readonly Clause[]): void {
  for (const clause of clauses) {
    if (clause.is !== "oneOf") continue;
    if (clause.values.length === 0 || clause.values.length > maxOperands)
      throw new ValidationException(`IN takes 1 to ${maxOperands} operands`);
  }
}

function checkDistinct(keys: readonly Key[]): void {
  const names = new Set(keys.map(({ pk, sk }) => JSON.stringify([pk, sk])));
  if (names.size < keys.length) throw new ValidationException("Provided list of item keys contains duplicates");
}

function checkTransaction(writes: readonly Write[]): void {
  if (writes.length === 0 || writes.length > maxTransactItems)
    throw new ValidationException(`a transaction takes 1 to ${maxTransactItems} writes`);
  checkDistinct(writes.map(keyOf));
  for (const write of writes) checkClauses(clausesOf(write));
  for (const write of writes) if ("update" in write) checkChange(write.update);
}

/** @param items in order */
function runQuery(items: readonly Item[], { prefix = "", after, limit, newestFirst = false }: Query): Page {
  const sorted = newestFirst ? items.toReversed() : items;
  const rest = sorted
    .filter(({ sk }) => sk.startsWith(prefix))
    .filter(({ sk }) => after === undefined || compareValues(sk, after.sk) * (newestFirst ? -1 : 1) > 0);
  return paged(rest, limit);
}

/** Those of an index's partition from where the query begins, in its direction. */
function inOrder(items: readonly Item[], { partition, sort, after, newestFirst = false }: IndexQuery): Item[] {
  const sign = newestFirst ? -1 : 1;
  const entryOf = (item: Item) => ({ pk: item.pk, sk: item.sk, sort: item[sort] });
  const order = (one: Item, other: Item) => compareEntries(entryOf(one), entryOf(other)) * sign;
  return items
    .filter((item) => item[partition.attribute] === partition.value && item[sort] !== undefined)
    .filter((item) => after === undefined || order(item, after) > 0)
    .toSorted(order);
}

/** @param items of the partition, in order from where the query begins */
function runIndexQuery(items: Iterable<Item>, query: IndexQuery, includes: readonly string[]): Page {
  const { partition, sort, upTo, below, after, limit, newestFirst = false } = query;
  if (after !== undefined && (after[partition.attribute] !== partition.value || after[sort] === undefined))
    throw new ValidationException("The provided starting key is invalid");
  const keysOf = (item: Item): Item => ({
    pk: item.pk,
    sk: item.sk,
    [partition.attribute]: partition.value,
    [sort]: item[sort],
  });
  const shown = (item: Item) =>
    includes.flatMap((attribute) => (item[attribute] === undefined ? [] : [[attribute, item[attribute]]]));
  const isAbove = (item: Item) =>
    (upTo !== undefined && Number(item[sort]) > upTo) || (below !== undefined && compareValues(item[sort], below) >= 0);
  const found: Item[] = [];
  for (const item of items) {
    if (found.length >= limit || (isAbove(item) && !newestFirst)) break;
    if (!isAbove(item)) found.push({ ...Object.fromEntries(shown(item)), ...keysOf(item) });
  }
  return paged(found, limit, keysOf);
}

/** A page ends at its limit, even where nothing follows, or once it holds 1 MB. */
function paged(
  items: readonly Item[],
  limit = Number.POSITIVE_INFINITY,
  keysOf = ({ pk, sk }: Item): Item => ({ pk, sk }),
): Page {
  const page: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    page.push(copied(item));
    bytes += bytesOf(item);
    if (page.length >= limit || bytes >= maxPageBytes) {
      return { items: page, next: keysOf(item) };
    }
  }
  return { items: page };
}
