/**
 * JSON that is passed on as it was written. Parsing and writing again changes more than white space (`1.0`, large numbers,
 * the order of keys that look like numbers), and Anthropic's thinking blocks are signed over what they were.
 */
export class RawJson {
  readonly text: string;

  /** @param text one JSON value, which is not checked */
  constructor(text: string) {
    this.text = text;
  }
}

/** `JSON.stringify`, with every `RawJson` in it written as it is. */
export function stringifyWithRaw(value: unknown): string {
  const raw: string[] = [];
  // A lone surrogate cannot come from UTF-8, so no text that was received holds this mark.
  const mark = (index: number) => `\ud800${index}\ud800`;
  const text = JSON.stringify(value, (_, part: unknown) =>
    part instanceof RawJson ? mark(raw.push(part.text) - 1) : part,
  );
  return text.replace(/"\\ud800(\d+)\\ud800"/g, (_, index: string) => raw[Number(index)] ?? "null");
}

/**
 * The text of one value inside a JSON text, found by its keys; undefined when there is none. The text must be valid JSON.
 */
export function rawValueAt(text: string, path: readonly string[]): string | undefined {
  let at = skipSpace(text, 0);
  for (const key of path) {
    const found = memberAt(text, at, key);
    if (found === undefined) return undefined;
    at = found;
  }
  return text.slice(at, endOfValue(text, at));
}

/** Where the value of a member begins; of a key that comes twice the last one counts, as for `JSON.parse`. */
function memberAt(text: string, objectAt: number, wanted: string): number | undefined {
  if (text[objectAt] !== "{") return undefined;
  let found: number | undefined;
  let at = skipSpace(text, objectAt + 1);
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at);
    const key: unknown = JSON.parse(text.slice(at, keyEnd));
    const valueAt = skipSpace(text, skipSpace(text, keyEnd) + 1);
    if (key === wanted) found = valueAt;
    at = skipSpace(text, endOfValue(text, valueAt));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth < 0 || (depth === 0 && (character === "," || isSpace(character)))) return at;
    if (depth === 0 && (character === "}" || character === "]")) return at + 1;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\n" || character === "\r" || character === "\t";
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text[at])) at += 1;
  return at;
}
