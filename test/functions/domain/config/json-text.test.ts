import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonText } from "../../../../functions/domain/config/json-text.ts";

describe("JSON text", () => {
  it("is parsed, with or without a byte order mark", () => {
    expect(parseJsonText('\uFEFF{"a": [1]}')).toEqual({ ok: true, value: { a: [1] } });
  });

  it.each([
    ["", "line 1, column 1: the JSON ends here, expected a value"],
    ['{"a": 1,}', "line 1, column 9: expected a key in quotes"],
    ['{"a" 1}', 'line 1, column 6: expected ":"'],
    ['{"a": 1 "b": 2}', 'line 1, column 9: expected "," or "}"'],
    ["[1 2]", 'line 1, column 4: expected "," or "]"'],
    ["[1,\n  2,\n]", "line 3, column 1: expected a value"],
    ["// note\n{}", "line 1, column 1: expected a value"],
    ['{"a": tru}', "line 1, column 7: expected a value"],
    ["{} {}", "line 1, column 4: expected nothing more"],
    ['{"a": [1', 'line 1, column 9: the JSON ends here, expected "," or "]"'],
    ['{"a": "b', "line 1, column 7: text without an end, or with a line break or an unknown escape in it"],
    ['{"a": "\\x"}', "line 1, column 7: text without an end, or with a line break or an unknown escape in it"],
  ])("%j: %s", (text, problem) => {
    expect(parseJsonText(text)).toEqual({ ok: false, problem });
  });

  it("has a place for every fault: any text parses or says where it does not", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"a"',
      '"',
      "1",
      "-",
      "true",
      "tru",
      " ",
      "\n",
      "\\",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const parsed = parseJsonText(parts.join(""));
        expect(parsed.ok || /^line \d+, column \d+: ./.test(parsed.problem)).toBe(true);
      }),
    );
  });

  it("is located however deep it is nested", () => {
    expect(parseJsonText("[".repeat(100_000))).toMatchObject({ ok: false });
  });
});
