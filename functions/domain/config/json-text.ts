type Expected =
  | "a value"
  | 'a value or "]"'
  | "a key in quotes"
  | 'a key in quotes or "}"'
  | '":"'
  | '"," or "}"'
  | '"," or "]"'
  | "nothing more";
type Token = "{" | "}" | "[" | "]" | ":" | "," | "text" | "word" | "bad";

/**
 * Parses JSON. The engine's own messages often lack the position, so that a second look, only after a failure, finds it.
 * @returns the value, or a problem such as `line 3, column 5: expected "," or "}"`
 */
export function parseJsonText(source: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  // Editors on Windows put a byte order mark in front, which JSON does not know.
  const text = source.replace(/^\uFEFF/, "");
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, problem: describeSyntaxError(text) };
  }
}

function describeSyntaxError(text: string): string {
  const { offset, expected, token } = findSyntaxError(text);
  const before = text.slice(0, offset).split("\n");
  const place = `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
  if (token === undefined) return `${place}: the JSON ends here, expected ${expected}`;
  if (token === "bad" && text[offset] === '"')
    return `${place}: text without an end, or with a line break or an unknown escape in it`;
  return `${place}: expected ${expected}`;
}

interface SyntaxFault {
  offset: number;
  expected: Expected;
  /** Absent at the end of the text. */
  token?: Token;
}

/** Walks the tokens with a stack of its own: nesting is as deep as whoever wrote the text likes. */
function findSyntaxError(text: string): SyntaxFault {
  const pattern = /[ \t\r\n]*([{}[\]:,]|"(?:[^"\\]|\\[\s\S])*"|[^{}[\]:," \t\r\n]+|")/y;
  const open: ("{" | "[")[] = [];
  let expected: Expected = "a value";
  for (;;) {
    const [all = "", source] = pattern.exec(text) ?? [];
    if (source === undefined) return { offset: text.length, expected };
    const token = tokenOf(source);
    const next = step(expected, token, open);
    if (next === undefined) return { offset: pattern.lastIndex - source.length, expected, token };
    if (all !== "") expected = next;
  }
}

function tokenOf(source: string): Token {
  switch (source) {
    case "{":
    case "}":
    case "[":
    case "]":
    case ":":
    case ",":
      return source;
    default:
      return !isScalar(source) ? "bad" : source.startsWith('"') ? "text" : "word";
  }
}

function isScalar(source: string): boolean {
  try {
    JSON.parse(source);
    return true;
  } catch {
    return false;
  }
}

/** What may follow, or `undefined` where this token may not stand. */
function step(expected: Expected, token: Token, open: ("{" | "[")[]): Expected | undefined {
  switch (expected) {
    case "a key in quotes":
      return token === "text" ? '":"' : undefined;
    case 'a key in quotes or "}"':
      return token === "}" ? close(open) : step("a key in quotes", token, open);
    case '":"':
      return token === ":" ? "a value" : undefined;
    case '"," or "}"':
      return token === "," ? "a key in quotes" : token === "}" ? close(open) : undefined;
    case '"," or "]"':
      return token === "," ? "a value" : token === "]" ? close(open) : undefined;
    case 'a value or "]"':
      return token === "]" ? close(open) : step("a value", token, open);
    case "nothing more":
      return undefined;
    case "a value":
      return startValue(token, open);
  }
}

function startValue(token: Token, open: ("{" | "[")[]): Expected | undefined {
  if (token === "text" || token === "word") return afterValue(open);
  if (token !== "{" && token !== "[") return undefined;
  open.push(token);
  return token === "{" ? 'a key in quotes or "}"' : 'a value or "]"';
}

function close(open: ("{" | "[")[]): Expected {
  open.pop();
  return afterValue(open);
}

function afterValue(open: readonly ("{" | "[")[]): Expected {
  const innermost = open.at(-1);
  return innermost === undefined ? "nothing more" : innermost === "{" ? '"," or "}"' : '"," or "]"';
}
