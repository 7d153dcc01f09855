import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RawJson, rawValueAt, stringifyWithRaw } from "../../../functions/domain/raw-json.ts";

describe("a value inside a JSON text", () => {
  it("is found by its keys, as it was written", () => {
    const text = '{ "a" : {"b": [1.0, {"10":1,"2":[]} ] , "c":"x\\"}" }, "d": null }';
    expect(rawValueAt(text, ["a", "b"])).toBe('[1.0, {"10":1,"2":[]} ]');
    expect(rawValueAt(text, ["a", "c"])).toBe('"x\\"}"');
    expect(rawValueAt(text, ["d"])).toBe("null");
    expect(rawValueAt(text, ["a", "z"])).toBeUndefined();
    expect(rawValueAt(text, ["d", "e"])).toBeUndefined();
  });

  it("is the last one where a key comes twice, as for JSON.parse", () => {
    expect(rawValueAt('{"a":1,"a":2}', ["a"])).toBe("2");
  });

  it("reads back as what was written, whatever it is and whatever stands beside it", () => {
    const keys = fc.stringMatching(/^[a-z"\\]{0,4}$/);
    fc.assert(
      fc.property(
        fc.dictionary(keys, fc.jsonValue()),
        fc.jsonValue(),
        fc.constantFrom(0, 1, 2),
        (beside, value, space) => {
          const text = JSON.stringify({ ...beside, content: value }, null, space);
          const raw = rawValueAt(text, ["content"]);
          expect(JSON.parse(raw ?? "")).toEqual(JSON.parse(JSON.stringify(value)));
          expect(text).toContain(raw);
        },
      ),
    );
  });
});

describe("a value that holds raw JSON", () => {
  it("is written with it as it is", () => {
    const content = new RawJson('[ 1.0, "$&" ]');
    expect(stringifyWithRaw({ messages: [{ role: "assistant", content }, { content }] })).toBe(
      '{"messages":[{"role":"assistant","content":[ 1.0, "$&" ]},{"content":[ 1.0, "$&" ]}]}',
    );
  });

  it("is not fooled by a text that looks like its mark", () => {
    const task = "\\ud8000\\ud800";
    expect(stringifyWithRaw({ task, content: new RawJson("7") })).toBe(JSON.stringify({ task, content: 7 }));
  });
});
