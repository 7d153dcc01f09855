import { describe, expect, it } from "vitest";
import { childOf, type Node, nodesOf, parseText, placeOf, type Source, sourcesOf } from "./sources.ts";

/** Those that a person runs: what they print is their purpose. */
const printing = ["infra/local/main.ts", "infra/local/demo.ts"];

const sources = sourcesOf("functions", "infra");

function isCast(node: Node): boolean {
  if (node.type === "TSTypeAssertion") return true;
  if (node.type !== "TSAsExpression") return false;
  const name = childOf(childOf(node, "typeAnnotation") ?? node, "typeName");
  return name?.["name"] !== "const";
}

const isAny = ({ type }: Node) => type === "TSAnyKeyword";
const isNonNull = ({ type }: Node) => type === "TSNonNullExpression";

function isConsole(node: Node): boolean {
  return node.type === "MemberExpression" && childOf(node, "object")?.["name"] === "console";
}

/** A module mock replaces what a test does not say; fakes come in through `deps`. */
function isModuleMock(node: Node): boolean {
  const isVi = node.type === "MemberExpression" && childOf(node, "object")?.["name"] === "vi";
  return isVi && ["mock", "doMock"].includes(String(childOf(node, "property")?.["name"]));
}

const isIgnored = (text: string) => /@ts-(ignore|nocheck|expect-error)|biome-ignore|oxlint-disable/.test(text);

function places(find: (node: Node) => boolean, among: readonly Source[] = sources): string[] {
  return among.flatMap((source) => [...nodesOf(source.tree)].filter(find).map((node) => placeOf(source, node)));
}

describe("the code", () => {
  it("believes no type that it has not parsed: no `as` but `as const`", () => {
    expect(places(isCast)).toEqual([]);
  });

  it("has no `any`", () => {
    expect(places(isAny)).toEqual([]);
  });

  it("says of nothing that it is there without looking: no `!`", () => {
    expect(places(isNonNull)).toEqual([]);
  });

  it("prints nothing but log lines, except where a person reads", () => {
    const quiet = sources.filter(({ path }) => !printing.includes(path));
    expect(places(isConsole, quiet)).toEqual([]);
  });

  it("silences no check", () => {
    expect(sources.filter(({ text }) => isIgnored(text)).map(({ path }) => path)).toEqual([]);
  });

  it("is tested without module mocks", () => {
    expect(places(isModuleMock, sourcesOf("test"))).toEqual([]);
  });
});

describe("these checks", () => {
  const found = (text: string, find: (node: Node) => boolean) => [...nodesOf(parseText(text))].filter(find).length;

  it("find what they look for, and nothing else", () => {
    expect(found("const a = b as string;", isCast)).toBe(1);
    expect(found("const a = b as unknown as string;", isCast)).toBe(2);
    expect(found("const a = [1] as const satisfies number[]; import { c as d } from 'e';", isCast)).toBe(0);
    expect(found("let a: any; let b: any[]; const any = 1;", isAny)).toBe(2);
    expect(found("a!.b; a !== b; !a;", isNonNull)).toBe(1);
    expect(found("console.log(1); log.console;", isConsole)).toBe(1);
    expect(found("vi.mock('a'); vi.fn();", isModuleMock)).toBe(1);
  });
});
