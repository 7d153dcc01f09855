import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  defined,
  describe as describeProblem,
  readList,
  readObject,
  unknownId,
  unknownKey,
} from "../../../../functions/domain/config/reader.ts";

const schema = v.object({ size: v.optional(v.number("must be a number")), name: v.optional(v.string("must be text")) });

function read(value: unknown) {
  const problems: string[] = [];
  const report = (path: readonly (string | number)[], message: string) => problems.push(describeProblem(path, message));
  return { value: readObject(schema, value, { path: ["box"], report, required: ["name"] }), problems };
}

describe("an object", () => {
  it("is read without the keys that are wrong, each of which is reported", () => {
    expect(read({ size: "large", name: "a", color: 1 })).toEqual({
      value: { name: "a" },
      problems: ["box.color: unknown key", "box.size: must be a number"],
    });
  });

  it("is read as empty where there is none", () => {
    expect(read(undefined)).toEqual({ value: {}, problems: ["box: is required"] });
    expect(read([])).toEqual({ value: {}, problems: ["box: must be an object"] });
  });

  it("knows its own keys only, not those that every object has", () => {
    expect(read(JSON.parse('{"name": "a", "__proto__": {}, "toString": 1}')).problems).toEqual([
      "box.__proto__: unknown key",
      "box.toString: unknown key",
    ]);
  });
});

describe("a list", () => {
  it("is read up to its limit", () => {
    const problems: string[] = [];
    const at = { path: ["boxes"], report: (_: unknown, message: string) => problems.push(message), maxItems: 2 };
    expect(readList([1, 2, 3], at)).toEqual([1, 2]);
    expect(problems).toEqual(["must have at most 2 items"]);
  });
});

describe("an unknown key", () => {
  it.each([
    ["cacheRetenshun", "cacheRetention"],
    ["maxtokens", "maxTokens"],
    ["lan", "lane"],
  ])("%s is close to %s", (key, near) => {
    expect(unknownKey(key, ["id", "lane", "maxTokens", "cacheRetention"])).toBe(`unknown key (did you mean ${near}?)`);
  });

  it("that is close to nothing is left at that", () => {
    expect(unknownKey("x", ["id", "tz"])).toBe("unknown key");
    expect(unknownKey("temperature", ["id", "lane"])).toBe("unknown key");
  });
});

describe("an unknown id", () => {
  it("is answered with those that are known, each once", () => {
    expect(unknownId("agent", "x", ["a", "", "a", "b"])).toBe('unknown agent "x" (known: a, b)');
  });
});

describe("defined", () => {
  it("drops what is undefined, so that it clobbers nothing it is merged over", () => {
    expect({ ...{ size: 1 }, ...defined({ size: undefined, name: "a" }) }).toEqual({ size: 1, name: "a" });
  });
});
