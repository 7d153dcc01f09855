import { describe, expect, it } from "vitest";
import { childOf, type Node, nodesOf, parseText, placeOf, type Source, sourcesOf } from "./sources.ts";

const loopback = "127.0.0.1";
const sources = sourcesOf("functions", "infra");

const isLoopback = (node: Node | undefined) => node?.type === "Literal" && node["value"] === loopback;

/** The names that stand for the loopback address anywhere: constants, and parameters that default to it. */
function namesOfLoopback(all: readonly Source[]): Set<string> {
  const bindings = all.flatMap(({ tree }) =>
    [...nodesOf(tree)].flatMap((node) => {
      if (node.type === "VariableDeclarator") return [{ name: childOf(node, "id"), value: childOf(node, "init") }];
      if (node.type === "AssignmentPattern") return [{ name: childOf(node, "left"), value: childOf(node, "right") }];
      return [];
    }),
  );
  return new Set(bindings.filter(({ value }) => isLoopback(value)).map(({ name }) => String(name?.["name"])));
}

function nodesIn(value: unknown): Node[] {
  return Array.isArray(value) ? value.flatMap((one: unknown) => (isNode(one) ? [one] : [])) : [];
}
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

/** The address that a call, or the command line of a server, listens on; `undefined` where it names none. */
function addressesIn(source: Source): { at: Node; address: Node | undefined }[] {
  const isHono = source.text.includes('"@hono/node-server"');
  return [...nodesOf(source.tree)].flatMap((node) => {
    const callee = childOf(node, "callee");
    const args = nodesIn(node["arguments"]);
    if (node.type === "CallExpression" && childOf(callee ?? node, "property")?.["name"] === "listen") {
      return [{ at: node, address: args[1] }];
    }
    if (node.type === "CallExpression" && isHono && callee?.["name"] === "serve") {
      return [{ at: node, address: propertyOf(args[0], "hostname") }];
    }
    const elements = nodesIn(node["elements"]);
    const flag = elements.findIndex((one) => one["value"] === "--host");
    return flag === -1 ? [] : [{ at: node, address: elements[flag + 1] }];
  });
}

function propertyOf(object: Node | undefined, key: string): Node | undefined {
  const property = nodesIn(object?.["properties"]).find((one) => childOf(one, "key")?.["name"] === key);
  return property === undefined ? undefined : childOf(property, "value");
}

function elsewhere(all: readonly Source[]): string[] {
  const names = namesOfLoopback(all);
  const isBound = (address: Node | undefined) =>
    isLoopback(address) || (address?.type === "Identifier" && names.has(String(address["name"])));
  return all.flatMap((source) =>
    addressesIn(source)
      .filter(({ address }) => !isBound(address))
      .map(({ at }) => placeOf(source, at)),
  );
}

describe("everything that listens", () => {
  it("listens on 127.0.0.1, by name or by value", () => {
    expect(sources.flatMap(addressesIn).length).toBeGreaterThanOrEqual(4);
    expect(elsewhere(sources)).toEqual([]);
  });

  it("never names another address of this machine", () => {
    const open = sources.filter(({ text }) => /["'`](0\.0\.0\.0|::0?|localhost|\[::\])["'`]/.test(text));
    expect(open.map(({ path }) => path)).toEqual([]);
  });

  it.each([
    ["server.listen(0);", 1],
    ['server.listen(0, "0.0.0.0");', 1],
    ["server.listen(0, address, done);", 1],
    ["server.listen({ port: 0 });", 1],
    ['server.listen(0, "127.0.0.1", done);', 0],
    ['const here = "127.0.0.1"; server.listen(0, here);', 0],
    ['import { serve } from "@hono/node-server"; serve({ fetch, port: 1 });', 1],
    ['import { serve } from "@hono/node-server"; serve({ fetch, hostname: "127.0.0.1" });', 0],
    ['spawn(path, ["serve", "--host", "0.0.0.0"]);', 1],
  ])("is found where it does not: %s", (text, count) => {
    expect(elsewhere([{ path: "a.ts", text, tree: parseText(text) }])).toHaveLength(count);
  });
});
