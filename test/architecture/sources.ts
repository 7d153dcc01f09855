import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A node of the syntax tree (ESTree with TypeScript's), whose fields are read as they are needed. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

export interface Source {
  /** From the root, with `/`. */
  path: string;
  text: string;
  tree: Node;
}

/** Every TypeScript file under the folders, parsed. */
export function sourcesOf(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readSource(`${folder}/${name}`))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

function readSource(path: string): Source {
  const text = readText(path);
  return { path, text, tree: parseText(text) };
}

/** The tree of a text, for tests of these tests. */
export function parseText(text: string): Node {
  const tree: unknown = parseAst(text, { lang: "ts" });
  if (!isNode(tree)) throw new Error("the parser answered with no tree");
  return tree;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Every node of a tree, parents first. */
export function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const field of Object.values(node)) {
    for (const child of Array.isArray(field) ? field : [field]) if (isNode(child)) yield* nodesOf(child);
  }
}

/** A field of a node that is a node itself. */
export function childOf(node: Node, field: string): Node | undefined {
  const child = node[field];
  return isNode(child) ? child : undefined;
}

/** `functions/spawn/spawn.ts:12`, as an editor opens it. */
export function placeOf({ path, text }: Source, { start }: Node): string {
  return `${path}:${text.slice(0, start).split("\n").length}`;
}

export function linesOf({ text }: Source, { start, end }: Node): number {
  return text.slice(start, end).split("\n").length;
}

const importing = new Set(["ImportDeclaration", "ExportNamedDeclaration", "ExportAllDeclaration", "ImportExpression"]);

export interface Import {
  /** From the root for our own files, else the name of the package as it is written. */
  target: string;
  /** `import type`, which is gone when the code runs. */
  isType: boolean;
}

export function importsOf({ path, tree }: Source): Import[] {
  return [...nodesOf(tree)].flatMap((node) => {
    const specifier = importing.has(node.type) ? childOf(node, "source")?.["value"] : undefined;
    if (typeof specifier !== "string") return [];
    const target = specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier;
    return [{ target, isType: node["importKind"] === "type" || node["exportKind"] === "type" }];
  });
}
