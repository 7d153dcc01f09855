import type { Item, Key } from "../../functions/clients/table.ts";

/** DynamoDB: an item with its attribute names, in bytes. */
const maxItemBytes = 400 * 1024;

/** What DynamoDB answers when a request is wrong in itself: nothing is written, and sending it again would not help. */
export class ValidationException extends Error {
  override name = "ValidationException";
}

/** DynamoDB: the value of a key attribute, in bytes. */
const maxPartitionKeyBytes = 2048;
const maxSortKeyBytes = 1024;

/** Asked for or written, in the table or an index: a key that is too large is refused. */
export function checkSize(name: string, value: unknown, most = maxPartitionKeyBytes): void {
  if (typeof value === "string" && Buffer.byteLength(value) > most)
    throw new ValidationException(`${name}: Size of hashkey has exceeded the maximum size limit of ${most} bytes`);
}

/** The attributes of an index's key; an item that lacks one is not in the index. */
export interface IndexKeys {
  name: string;
  partition: { name: string; type: "S" | "N" };
  sort: { name: string; type: "S" | "N" };
  includes?: readonly string[];
}

/** A copy as the table keeps it: without what is undefined, at any depth. Throws for what has no form in the table. */
export function toStored(value: unknown, path: string): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new ValidationException(`${path}: ${value} is no number`);
  }
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) {
    return value.filter((one) => one !== undefined).map((one: unknown, index) => toStored(one, `${path}[${index}]`));
  }
  if (isObject(value) && Object.getPrototypeOf(value) === Object.prototype) return storedMap(value, path);
  throw new ValidationException(`${path}: ${typeof value} has no form in the table`);
}

/** A copy in depth of what the table keeps: much faster than `structuredClone`, which most of a simulation would be spent in. */
export function copied<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (!isObject(value)) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copy);
  const made: Record<string, unknown> = {};
  for (const name of Object.keys(value)) made[name] = copy(value[name]);
  return made;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

function storedMap(map: Record<string, unknown>, path: string): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const name of Object.keys(map)) {
    const value = map[name];
    if (value !== undefined) made[name] = typeof value === "string" ? value : toStored(value, `${path}.${name}`);
  }
  return made;
}

/** Refuses what DynamoDB would refuse: empty keys, attributes of an index that are not of its type, items too large. */
export function checkedItem(item: Item, indexes: readonly IndexKeys[]): Item {
  checkKey(item);
  const stored: Item = { ...storedMap(item, ""), pk: item.pk, sk: item.sk };
  for (const { name, partition, sort } of indexes) {
    for (const attribute of [partition, sort]) checkIndexed(stored[attribute.name], attribute, name);
  }
  const bytes = bytesOf(stored);
  if (bytes > maxItemBytes) throw new ValidationException(`Item size has exceeded the maximum allowed size: ${bytes}`);
  return stored;
}

export function checkKey({ pk, sk }: Key): void {
  checkSize("pk", pk, maxPartitionKeyBytes);
  checkSize("sk", sk, maxSortKeyBytes);
  if (pk === "" || sk === "") throw new ValidationException("the values of key attributes must not be empty");
}

function checkIndexed(value: unknown, { name, type }: IndexKeys["sort"], index: string): void {
  if (value === undefined) return;
  const isRight = type === "S" ? typeof value === "string" && value !== "" : typeof value === "number";
  if (!isRight) throw new ValidationException(`${name}: not a ${type}, as the index ${index} needs`);
}

/** As DynamoDB counts: names and text in UTF-8, numbers about a byte for two digits, containers 3 bytes and 1 an entry. */
export function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(value).length / 2) + 1;
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + bytesOf(one) + 1, 3);
  if (!isObject(value)) return 1;
  return Object.keys(value).reduce((sum, name) => sum + Buffer.byteLength(name) + bytesOf(value[name]) + 1, 3);
}

/** Text sorts by its bytes in UTF-8, numbers by size. */
export function compareValues(one: unknown, other: unknown): number {
  return typeof one === "number" && typeof other === "number" ? one - other : compareText(String(one), String(other));
}

/** Only above the surrogates is the order of JavaScript another than that of the bytes. */
function compareText(one: string, other: string): number {
  if (one === other) return 0;
  if (/[\ud800-\udfff]/.test(one) || /[\ud800-\udfff]/.test(other))
    return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return one < other ? -1 : 1;
}
