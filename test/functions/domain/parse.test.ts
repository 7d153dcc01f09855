import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { CorruptRecordError } from "../../../functions/domain/errors.ts";
import {
  describeProblems,
  formatPath,
  parseJson,
  parseRecord,
  parseStrictly,
  parseWith,
} from "../../../functions/domain/parse.ts";

const schema = v.object({ name: v.string("must be text"), size: v.optional(v.number("must be a number")) });

describe("a path", () => {
  it("is written as it is in the file", () => {
    expect(formatPath(["agents", "list", 5, "cacheRetention"])).toBe("agents.list[5].cacheRetention");
    expect(formatPath([0, "id"])).toBe("[0].id");
    expect(formatPath([])).toBe("");
  });
});

describe("an input at the door", () => {
  it("is a value, or all that is wrong with it at once", () => {
    expect(parseWith(schema, { name: "a" })).toEqual({ ok: true, value: { name: "a" } });
    expect(parseWith(schema, { size: "big" })).toEqual({
      ok: false,
      problems: [
        { path: "name", message: "is required" },
        { path: "size", message: "must be a number" },
      ],
    });
  });

  it("has every key that is not known named, whatever else is wrong", () => {
    expect(parseStrictly(schema, { name: "a", colour: 1, shape: 2 })).toEqual({
      ok: false,
      problems: [
        { path: "colour", message: "unknown key" },
        { path: "shape", message: "unknown key" },
      ],
    });
    expect(parseStrictly(schema, { size: 1, toString: 2 })).toMatchObject({
      problems: [{ path: "name" }, { path: "toString", message: "unknown key" }],
    });
    expect(parseStrictly(schema, { name: "a", size: 1 })).toEqual({ ok: true, value: { name: "a", size: 1 } });
  });

  it.each([null, undefined, 7, "a", [], [{ name: "a" }]])("that is no object is told so: %j", (input) => {
    expect(parseStrictly(schema, input)).toEqual({
      ok: false,
      problems: [{ path: "", message: "must be a JSON object" }],
    });
  });

  it("has the unknown keys of a strict schema named too", () => {
    const strict = v.object({ inner: v.strictObject({ name: v.string() }) });
    expect(parseWith(strict, { inner: { name: "a", colour: 1 } })).toMatchObject({
      problems: [{ path: "inner.colour", message: "unknown key" }],
    });
  });
});

describe("a record of ours", () => {
  it("is the value, or an error that names the record and its first wrong field", () => {
    expect(parseRecord(schema, { name: "a" }, "META")).toEqual({ name: "a" });
    expect(() => parseRecord(schema, { size: "big" }, "META")).toThrow(CorruptRecordError);
    expect(() => parseRecord(schema, { size: "big" }, "META")).toThrow("META: name is required");
  });
});

describe("text that should be JSON", () => {
  it("is its value, or nothing", () => {
    expect(parseJson('{"a":1}')).toEqual({ a: 1 });
    expect(parseJson("{")).toBeUndefined();
    expect(parseJson("")).toBeUndefined();
  });
});

describe("problems in one line", () => {
  it("are each with its path, where it has one", () => {
    const problems = [
      { path: "task", message: "must not be empty" },
      { path: "lane", message: "unknown key" },
      { path: "", message: "must be a JSON object" },
    ];
    expect(describeProblems(problems)).toBe("task: must not be empty; lane: unknown key; must be a JSON object");
  });
});
