import type { Item, Key } from "../../functions/clients/table.ts";

/** DynamoDB: an item with its attribute names, in bytes. */
const maxItemBytes = 400 * 1024;

/** What DynamoDB answers when a request is wrong in itself: nothing is written, and sending it again would not help. */
export class ValidationException extends Error {
  override name = "ValidationException";
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
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) return storedMap(value, path);
  throw new ValidationException(`${path}: ${typeof value} has no form in the table`);
}

/** A copy in depth of what the table keeps: much faster than `structuredClone`, which most of a simulation would be spent in. */
export function copied<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copy);
  const made: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) made[name] = copy(one);
  return made;
}

function storedMap(map: object, path: string): Record<string, unknown> {
  const kept = Object.entries(map).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept.map(([name, value]) => [name, toStored(value, `${path}.${name}`)]));
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
  if (typeof value !== "object" || value === null) return 1;
  return Object.entries(value).reduce((sum, [name, one]) => sum + Buffer.byteLength(name) + bytesOf(one) + 1, 3);
}

/** Text sorts by its bytes in UTF-8, numbers by size. */
export function compareValues(one: unknown, other: unknown): number {
  return typeof one === "number" && typeof other === "number"
    ? one - other
    : Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
}
