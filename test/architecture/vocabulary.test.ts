import { describe, expect, it } from "vitest";
import * as limits from "../../functions/domain/limits.ts";
import { logCodes, metricNames } from "../../functions/domain/log.ts";
import { childOf, type Node, nodesOf, placeOf, type Source, sourcesOf } from "./sources.ts";

const functions = sourcesOf("functions");
const sources = sourcesOf("functions", "infra");
const codes: ReadonlySet<string> = new Set(logCodes);

const without = (all: readonly Source[], path: string) => all.filter((source) => source.path !== path);

function wordsOf(all: readonly Source[], type: "Literal" | "Identifier"): Set<string> {
  const field = type === "Literal" ? "value" : "name";
  return new Set(
    all.flatMap(({ tree }) =>
      [...nodesOf(tree)].filter((node) => node.type === type).map((node) => String(node[field])),
    ),
  );
}

/** The first argument of a call of `log` or `deps.log`, where it is written there. */
function loggedCode(node: Node): string | undefined {
  if (node.type !== "CallExpression") return undefined;
  const callee = childOf(node, "callee");
  const name = callee?.["name"] ?? childOf(callee ?? node, "property")?.["name"];
  const first: unknown = Array.isArray(node["arguments"]) ? node["arguments"][0] : undefined;
  const isText = typeof first === "object" && first !== null && "value" in first && typeof first.value === "string";
  return name === "log" && isText ? String(first.value) : undefined;
}

describe("the log codes", () => {
  it("that are used are in the list", () => {
    const unknown = functions.flatMap((source) =>
      [...nodesOf(source.tree)]
        .filter((node) => !codes.has(loggedCode(node) ?? logCodes[0]))
        .map((node) => `${placeOf(source, node)} ${loggedCode(node)}`),
    );
    expect(unknown).toEqual([]);
  });

  it("in the list are used", () => {
    const used = wordsOf(without(functions, "functions/domain/log.ts"), "Literal");
    expect(logCodes.filter((code) => !used.has(code))).toEqual([]);
  });
});

describe("the figures that alarms watch", () => {
  it("are all measured", () => {
    const used = wordsOf(without(functions, "functions/domain/log.ts"), "Identifier");
    expect(Object.keys(metricNames).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe("the limits", () => {
  it("all limit something", () => {
    const used = wordsOf(without(sources, "functions/domain/limits.ts"), "Identifier");
    // Some are read inside the list, by a limit that is made of them.
    const list = sources.filter(({ path }) => path === "functions/domain/limits.ts");
    const inside = list.flatMap(({ text }) =>
      Object.keys(limits).filter((name) => (text.match(new RegExp(`\\b${name}\\b`, "g")) ?? []).length > 1),
    );
    expect(Object.keys(limits).filter((name) => !used.has(name) && !inside.includes(name))).toEqual([]);
  });
});
