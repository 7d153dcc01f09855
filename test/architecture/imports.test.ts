import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { type Import, importsOf, parseText, type Source, sourcesOf } from "./sources.ts";

const sources = sourcesOf("functions", "infra");
const rooms = ["spawn", "batcher", "realtime", "poller", "sessions", "authorizer"];

type Layer = "domain" | "clients" | "store" | "turns" | "room" | "local" | "infra";

function layerOf(path: string): Layer {
  const [top, second = ""] = path.split("/");
  if (top === "infra") return second === "local" ? "local" : "infra";
  if (second === "domain" || second === "clients" || second === "store" || second === "turns") return second;
  if (rooms.includes(second)) return "room";
  throw new Error(`${path} is in no layer: a new folder of functions/ needs a place in the order`);
}

const roomOf = (path: string) => path.split("/")[1];
const isOurs = ({ target }: Import) => target.endsWith(".ts");
const isHandler = (target: string) => /^functions\/[a-z]+\/handler\.ts$/.test(target);
const isEnv = (target: string) => /^functions\/[a-z]+\/env\.ts$/.test(target);

/** Which of our own files a file of each layer may import. Data flows down the page, imports flow up it. */
const allowed: Record<Layer, (target: string, from: string, isType: boolean) => boolean> = {
  domain: (target) => layerOf(target) === "domain",
  clients: (target) => ["domain", "clients"].includes(layerOf(target)),
  store: (target) => ["domain", "clients", "store"].includes(layerOf(target)),
  turns: (target) => ["domain", "clients", "store", "turns"].includes(layerOf(target)),
  room: (target, from) =>
    ["domain", "clients", "store", "turns"].includes(layerOf(target)) || roomOf(target) === roomOf(from),
  infra: (target) =>
    layerOf(target) === "infra" ||
    isEnv(target) ||
    target === "functions/domain/limits.ts" ||
    target.startsWith("functions/domain/config/"),
  // The system on one machine runs the handlers; what it reads of the rest is pure, or a type.
  local: (target, _, isType) =>
    ["infra", "local", "domain"].includes(layerOf(target)) || isEnv(target) || isHandler(target) || isType,
};

/** Packages that a layer may import; those that are not named here may import any that is no SDK. */
const packages: Partial<Record<Layer, readonly string[]>> = {
  domain: ["valibot", "croner", "node:crypto"],
  store: ["valibot", "node:zlib"],
  turns: [],
  room: ["valibot", "node:crypto"],
};
const isSdk = (target: string) => /^@(aws-sdk|smithy|anthropic-ai)\//.test(target);

type Rule = (one: Import, from: string) => boolean;
const pointsBack: Rule = (one, from) => isOurs(one) && !allowed[layerOf(from)](one.target, from, one.isType);
const isStraySdk: Rule = ({ target, isType }, from) =>
  isSdk(target) && !isType && !["clients", "local"].includes(layerOf(from));
const isStrayPackage: Rule = (one, from) => !isOurs(one) && packages[layerOf(from)]?.includes(one.target) === false;

function breaches(rule: Rule, all: readonly Source[] = sources): string[] {
  return all.flatMap((source) =>
    importsOf(source)
      .filter((one) => rule(one, source.path))
      .map(({ target }) => `${source.path} → ${target}`),
  );
}

describe("imports", () => {
  it("point one way: a room never at another, nothing at what comes after it", () => {
    expect(breaches(pointsBack)).toEqual([]);
  });

  it("are of an SDK only in clients and on one machine, but for types", () => {
    expect(breaches(isStraySdk)).toEqual([]);
  });

  it("keep the rules pure: the domain touches no file, no network and no clock", () => {
    expect(breaches(isStrayPackage)).toEqual([]);
  });

  it("never go round in a circle of folders, types apart", () => {
    expect(circlesIn(sources)).toEqual([]);
  });
});

describe("these checks", () => {
  const file = (path: string, text: string): Source => ({ path, text, tree: parseText(text) });

  it.each([
    ["functions/domain/a.ts", "../clients/s3.ts", 1],
    ["functions/domain/config/a.ts", "../session.ts", 0],
    ["functions/clients/a.ts", "../store/leases.ts", 1],
    ["functions/store/a.ts", "../turns/deliver.ts", 1],
    ["functions/turns/a.ts", "../poller/tick.ts", 1],
    ["functions/spawn/a.ts", "../batcher/drain.ts", 1],
    ["functions/spawn/a.ts", "../turns/deliver.ts", 0],
    ["functions/clients/a.ts", "../../infra/timing.ts", 1],
    ["infra/a.ts", "../functions/spawn/handler.ts", 1],
    ["infra/a.ts", "../functions/spawn/env.ts", 0],
    ["infra/a.ts", "../functions/domain/pricing.ts", 1],
    ["infra/a.ts", "./local/system.ts", 1],
    ["infra/local/a.ts", "../../functions/spawn/handler.ts", 0],
    ["infra/local/a.ts", "../../functions/spawn/spawn.ts", 1],
  ])("of %s on %s find %i", (path, target, count) => {
    for (const text of [`import { a } from "${target}";`, `export * from "${target}";`, `await import("${target}");`]) {
      expect(breaches(pointsBack, [file(path, text)])).toHaveLength(count);
    }
  });

  it("find an SDK and a package where it does not belong", () => {
    const sdk = 'import { S3Client } from "@aws-sdk/client-s3";';
    expect(breaches(isStraySdk, [file("functions/spawn/a.ts", sdk)])).toHaveLength(1);
    expect(breaches(isStraySdk, [file("functions/clients/a.ts", sdk)])).toEqual([]);
    expect(breaches(isStraySdk, [file("infra/a.ts", sdk.replace("import", "import type"))])).toEqual([]);
    expect(breaches(isStrayPackage, [file("functions/domain/a.ts", 'import "node:fs";')])).toHaveLength(1);
  });

  it("find a circle", () => {
    const there = file("functions/store/a.ts", 'import "../turns/b.ts";');
    const back = file("functions/turns/b.ts", 'import "../store/a.ts";');
    expect(circlesIn([there, back])).toEqual(["functions/store → functions/turns → functions/store"]);
    expect(circlesIn([there])).toEqual([]);
  });
});

/** Every circle of folders, as the way around it. A folder whose rules need each other is one folder. */
function circlesIn(all: readonly Source[]): string[] {
  const graph = new Map<string, Set<string>>();
  for (const source of all) {
    const from = dirname(source.path);
    const targets = importsOf(source).filter((one) => isOurs(one) && !one.isType);
    const folders = targets.map(({ target }) => dirname(target)).filter((folder) => folder !== from);
    graph.set(from, new Set([...(graph.get(from) ?? []), ...folders]));
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (folder: string, way: readonly string[]) => {
    if (way.includes(folder)) circles.push([...way.slice(way.indexOf(folder)), folder].join(" → "));
    if (way.includes(folder) || done.has(folder)) return;
    for (const next of graph.get(folder) ?? []) visit(next, [...way, folder]);
    done.add(folder);
  };
  for (const folder of graph.keys()) visit(folder, []);
  return circles;
}
