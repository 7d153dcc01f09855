import * as v from "valibot";
import { formatPath } from "../parse.ts";

export type Path = readonly (string | number)[];
/** Notes one thing that is wrong; reading goes on, so that everything wrong is said at once. */
export type Report = (path: Path, message: string) => void;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Control characters in a key must not break a problem into two lines. */
export function describe(path: Path, message: string): string {
  const line = path.length === 0 ? message : `${formatPath(path)}: ${message}`;
  return line.replaceAll(/\p{Cc}+/gu, " ");
}

/**
 * Reads an object key by key. Keys that are unknown or wrong are reported and left out, so that the rest can be checked
 * against other parts of the file. `required` keys are optional in the schema, for the same reason.
 * @returns what could be read; nothing but an empty object where the value is no object at all
 */
export function readObject<const E extends v.ObjectEntries>(
  schema: v.ObjectSchema<E, undefined>,
  value: unknown,
  at: {
    path: Path;
    report: Report;
    required?: readonly (keyof E & string)[];
    explain?: (key: string) => string | undefined;
  },
): v.InferOutput<v.ObjectSchema<E, undefined>> {
  const { path, report, required = [], explain } = at;
  if (!isObject(value)) {
    report(path, value === undefined ? "is required" : "must be an object");
    return v.parse(schema, {});
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(schema.entries, key)) continue;
    report([...path, key], explain?.(key) ?? unknownKey(key, Object.keys(schema.entries)));
  }
  for (const key of required) if (!Object.hasOwn(value, key)) report([...path, key], "is required");
  const known = Object.entries(value).filter(([key]) => Object.hasOwn(schema.entries, key));
  const parsed = v.safeParse(schema, Object.fromEntries(known));
  if (parsed.success) return parsed.output;
  const wrong = new Set<unknown>();
  for (const issue of parsed.issues) {
    const keys = (issue.path ?? []).flatMap(({ key }) =>
      typeof key === "string" || typeof key === "number" ? [key] : [],
    );
    wrong.add(keys[0]);
    report([...path, ...keys], issue.message);
  }
  return v.parse(schema, Object.fromEntries(known.filter(([key]) => !wrong.has(key))));
}

/** @returns the items of a list, none where it is absent or no list */
export function readList(value: unknown, at: { path: Path; report: Report; maxItems: number }): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    at.report(at.path, "must be a list");
    return [];
  }
  if (value.length > at.maxItems) at.report(at.path, `must have at most ${at.maxItems} items`);
  const items: unknown[] = value;
  return items.slice(0, at.maxItems);
}

/** The second of two items with one id is the problem. */
export function reportRepeatedIds(ids: readonly (string | undefined)[], path: Path, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, id] of ids.entries()) {
    if (id === undefined) continue;
    const first = seen.get(id);
    if (first === undefined) seen.set(id, index);
    else report([...path, index, "id"], `"${id}" is the id of ${formatPath([...path, first])} already`);
  }
}

export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? "unknown key" : `unknown key (did you mean ${near}?)`;
}

/** `unknown lane "blk" (known: default, bulk)` */
export function unknownId(kind: string, id: string, known: readonly string[]): string {
  const ids = [...new Set(known)].filter((text) => text !== "");
  return `unknown ${kind} "${id}" (known: ${ids.join(", ")})`;
}

/** A slip of up to three characters, but less than half of the word. */
const maxSlips = 3;

function nearest(word: string, known: readonly string[]): string | undefined {
  const distances = known.map((candidate) => ({
    candidate,
    slips: editDistance(word.toLowerCase(), candidate.toLowerCase()),
  }));
  const near = distances.filter(({ candidate, slips }) => slips <= maxSlips && slips * 2 < candidate.length);
  return near.toSorted((one, other) => one.slips - other.slips)[0]?.candidate;
}

/** Levenshtein's: insertions, deletions and replacements. Words too different in length are not compared. */
function editDistance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > maxSlips) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The same object without its undefined keys: those would hide what they are merged over. */
type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
export function defined<T extends object>(record: T): Defined<T>;
export function defined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
