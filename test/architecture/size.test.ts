import { describe, expect, it } from "vitest";
import { childOf, linesOf, type Node, nodesOf, parseText, placeOf, type Source, sourcesOf } from "./sources.ts";

const maxFileLines = 250;
const maxFunctionLines = 70;

const sources = sourcesOf("functions", "infra");
const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function functionsOf({ tree }: Source): Node[] {
  return [...nodesOf(tree)].filter((node) => functions.has(node.type) && childOf(node, "body") !== undefined);
}

function tooLong(source: Source): string[] {
  return functionsOf(source)
    .filter((node) => linesOf(source, node) > maxFunctionLines)
    .map((node) => `${placeOf(source, node)} has ${linesOf(source, node)} lines`);
}

describe("the size of the code", () => {
  it(`is at most ${maxFileLines} lines a file`, () => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }));
    expect(lengths.filter(({ lines }) => lines > maxFileLines)).toEqual([]);
  });

  it(`is at most ${maxFunctionLines} lines a function`, () => {
    expect(sources.flatMap(tooLong)).toEqual([]);
  });

  it("is under 20 lines for most functions", () => {
    const lengths = sources.flatMap((source) => functionsOf(source).map((node) => linesOf(source, node)));
    expect(lengths.filter((lines) => lines < 20).length / lengths.length).toBeGreaterThan(0.9);
  });

  it("is measured: a function of 71 lines is found, one of 70 is not", () => {
    const text = (lines: number) => `const run = () => {\n${"  step();\n".repeat(lines - 2)}};\n`;
    const found = (lines: number) => tooLong({ path: "a.ts", text: text(lines), tree: parseText(text(lines)) });
    expect(found(maxFunctionLines)).toEqual([]);
    expect(found(maxFunctionLines + 1)).toEqual(["a.ts:1 has 71 lines"]);
  });
});
