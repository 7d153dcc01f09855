import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nodesOf, type Source, sourcesOf } from "./sources.ts";

const isFunction = (type: string) => type === "FunctionDeclaration" || type === "ArrowFunctionExpression";
/** A list of types, or of what others export, has nothing to test. */
const hasRules = ({ tree }: Source) => [...nodesOf(tree)].some(({ type }) => isFunction(type));
const hasTest = (path: string) =>
  existsSync(new URL(`../../test/${path.replace(/\.ts$/, ".test.ts")}`, import.meta.url));

describe("the tests", () => {
  it("mirror the domain: a file for each that holds a rule", () => {
    const untested = sourcesOf("functions/domain").filter((source) => hasRules(source) && !hasTest(source.path));
    expect(untested.map(({ path }) => path)).toEqual([]);
  });

  it("of the domain are each of a file that is there", () => {
    const tests = sourcesOf("test/functions/domain").filter(({ path }) => path.endsWith(".test.ts"));
    const sources = new Set(
      sourcesOf("functions/domain").map(({ path }) => `test/${path.replace(/\.ts$/, ".test.ts")}`),
    );
    expect(tests.map(({ path }) => path).filter((path) => !sources.has(path))).toEqual([]);
  });
});
