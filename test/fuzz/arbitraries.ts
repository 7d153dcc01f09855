import fc from "fast-check";

/** What programs stumble over: names of every object, halves of characters, control characters, and things that only look like numbers or times. */
const hostileTexts = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "",
  " ",
  "\0",
  "\uD800",
  "a\uDC00",
  "\uFFFE",
  "\u202E",
  "🌙",
  "NaN",
  "1e999",
  "-0",
  "null",
  "9007199254740993",
  "../../etc/passwd",
  "%00",
  "%",
  "2026-02-30",
  "+275760-09-13T00:00:00.001Z",
  "0000-00-00",
];
/** Longer than a key of the table, or a field of ours, may be. */
const longTexts = fc
  .constantFrom(65, 129, 257, 2_100, 5_000)
  .chain((size) => fc.constantFrom("x".repeat(size), "ü".repeat(size)));

export const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  { weight: 2, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 1, arbitrary: longTexts },
);

const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 1, -1, 1e308, -1e308, 2 ** 53, 86_400_000 * 1e8 + 1, Number.MIN_VALUE, 0.1),
);

/** Any JSON, with the names that pollute prototypes among its keys. */
export const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, [], {}),
    numbers,
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constantFrom("__proto__", "constructor")), tie("value")), { maxLength: 4 })
      .map((entries) =>
        JSON.parse(
          `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one) ?? "null"}`).join()}}`,
        ),
      ),
  ),
})).value;

/** An object with some of its fields, at any depth, gone or replaced; often as it was. */
export function nearly(sound: unknown): fc.Arbitrary<unknown> {
  return fc
    .array(fc.record({ at: fc.nat(), by: fc.option(json), how: fc.constantFrom("replace", "drop", "add", "dig") }), {
      maxLength: 3,
    })
    .map((changes) => changes.reduce<unknown>((value, change) => changed(value, change), structuredClone(sound)));
}

interface Change {
  at: number;
  by: unknown;
  how: string;
}

function changed(value: unknown, { at, by, how }: Change): unknown {
  if (typeof value !== "object" || value === null) return how === "dig" ? value : by;
  if (Array.isArray(value)) {
    if (value.length === 0) return how === "add" ? [by] : value;
    const index = at % value.length;
    if (how === "drop") return value.filter((_, place) => place !== index);
    return value.map((one: unknown, place) => (place === index ? changed(one, { at: at >> 3, by, how }) : one));
  }
  const entries = Object.entries(value);
  if (how === "add" || entries.length === 0) return Object.fromEntries([...entries, [`k${at % 7}`, by]]);
  const [key = "", one] = entries[at % entries.length] ?? [];
  if (how === "drop") return Object.fromEntries(entries.filter(([name]) => name !== key));
  const next = how === "dig" || at % 2 === 0 ? changed(one, { at: at >> 3, by, how: "replace" }) : by;
  return Object.fromEntries(entries.map(([name, old]) => [name, name === key ? next : old]));
}

/** A text that is nearly the sound one: cut, doubled, with characters put in; or JSON; or anything. */
export function nearlyText(...sound: string[]): fc.Arbitrary<string> {
  const spoiled = fc
    .tuple(fc.constantFrom(...sound), fc.nat(), fc.nat({ max: 9 }), text)
    .map(([one, place, length, put]) => {
      const at = one.length === 0 ? 0 : place % one.length;
      return one.slice(0, at) + put + one.slice(at + length);
    });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...sound) },
    { weight: 5, arbitrary: spoiled },
    text,
    json.map(written),
  );
}

export const written = (value: unknown): string => JSON.stringify(value) ?? "null";

/** So deep that a recursion over it may not come back. */
export const deep = fc.constantFrom(1_000, 100_000).map((depth) => "[".repeat(depth) + "]".repeat(depth));
