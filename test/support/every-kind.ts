import { readdirSync, readFileSync } from "node:fs";
import type { Item, Key } from "../../functions/clients/table.ts";
import { type TestWorld, testWorld } from "./world.ts";

const system = "You are the night shift, and write what was seen. ".repeat(160);
const config = {
  agents: {
    list: [
      { id: "worker", cacheRetention: "none" },
      { id: "live", routing: "realtime", cacheRetention: "none" },
      { id: "frugal", cacheRetention: "none", budget: { usdPerDay: 1, onExceeded: "hold" } },
      { id: "shared", system, cacheRetention: "auto" },
    ],
  },
  lanes: [{ id: "default" }, { id: "bulk", flushEverySeconds: 120 }],
};

/** What kind an item is, as `functions/README.md` lists them: by its partition, or by that and its sort key. */
export function kindOf({ pk, sk }: Key): string {
  const [partition = ""] = pk.split("#");
  const ownKinds = ["SESSION", "MANIFEST", "BUDGET", "LANE", "SPENT", "UNSUMMED", "PRIMER"];
  return ownKinds.includes(partition) ? `${partition}-${sk.split("#")[0]}` : partition;
}

/** A night in which an item of every kind is written, and which ends with work in every state that is not an end. */
export async function everyKind(): Promise<TestWorld> {
  const world = testWorld({ config });
  const done = await world.accept("Write the report.", { label: "nightly", metadata: { order: 7 } });
  await world.accept("[[stand-in: pause_turn 1]]");
  await world.accept("Count.", { agentId: "frugal" });
  await world.accept("Now.", { agentId: "live" });
  for (const bytes of [12_000, 13_000]) await world.accept(`[[stand-in: answer_bytes ${bytes}]]`);
  for (let task = 0; task < 4; task += 1) await world.accept(`Shared ${task}.`, { agentId: "shared" });
  await world.accept("[[stand-in: refusal]]");
  world.api.faults.set({ on: "results", kind: "foreign_line", times: 1 });
  await world.ticks(40);
  await post(world, `/api/sessions/${done}/messages`, { message: "And tomorrow?" });
  await world.ticks(15);
  await world.authorize("Bearer wrong", "203.0.113.9");
  const asked = { name: "ci", scopes: ["spawn", "read"], agents: ["worker"], expiresInSeconds: 60 };
  await post(world, "/api/tokens", asked);
  const revoked = await post(world, "/api/tokens", { ...asked, agents: "*" });
  await world.deps.tokens.revoke(String(Reflect.get(Object(await revoked.json()), "id")));
  await world.deps.manifests.markForeign("msgbatch_foreign");
  await leaveUnfinished(world);
  await world.deps.lanes.park("bulk", "rate_limit_error");
  await world.http("/api/usage/rebuild?from=2026-11-22&to=2026-11-22", { method: "POST" });
  await world.deps.books.mark("MANIFEST", "010000000000000000000000AJ");
  await world.deps.books.mark("DAY", "2026-11-22");
  return world;
}

/** In a manifest whose outcome is unknown, in one that was never sent, held by a call that died, and queued. */
async function leaveUnfinished(world: TestWorld): Promise<void> {
  await world.accept("Unknown.");
  await crash(world, "anthropic.createBatch", "after", (rooms) => rooms.batch());
  world.pass(1_000);
  await world.accept("Preparing.");
  await crash(world, "table.update HEAD submitting", "before", (rooms) => rooms.batch());
  await world.accept("Running.", { agentId: "live" });
  await crash(world, "anthropic.createMessage", "before", (rooms) => rooms.workRealtime());
  const left = await world.accept("Left.", { lane: "bulk" });
  await world.batchLane("bulk");
  await world.http(`/api/sessions/${left}/cancel`, { method: "POST" });
  await world.accept("Queued.", { agentId: "frugal", label: "nightly" });
}

async function crash(
  world: TestWorld,
  where: string,
  when: "before" | "after",
  run: (rooms: ReturnType<TestWorld["crashing"]>) => Promise<unknown>,
): Promise<void> {
  const rooms = world.crashing({ at: (what) => what.startsWith(where), when });
  if (!(await rooms.process.run(() => run(rooms)))) throw new Error(`nothing crashed at ${where}`);
}

const post = (world: TestWorld, path: string, body: object) =>
  world.http(path, { method: "POST", body: JSON.stringify(body) });

const folder = new URL("../fixtures/items/", import.meta.url);

/** Kinds of which there is a sample of some version. */
export function sampledKinds(): Set<string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return new Set(names.flatMap((name) => /^v\d+\/([A-Z-]+)\.json$/.exec(name)?.[1] ?? []));
}

/** The items that a version wrote, all of one night: bytes are kept as base64. */
export function sampleItems(version: string): Item[] {
  const files = readdirSync(new URL(`${version}/`, folder));
  return files.flatMap((name): Item[] =>
    JSON.parse(readFileSync(new URL(`${version}/${name}`, folder), "utf8"), (_key, value: unknown) =>
      fromSample(value),
    ),
  );
}

function fromSample(value: unknown): unknown {
  const isBytes = typeof value === "object" && value !== null && "$bytes" in value;
  return isBytes ? new Uint8Array(Buffer.from(String(value.$bytes), "base64")) : value;
}

/** The large bodies that these items point to. */
export function sampleObjects(): [key: string, bytes: Uint8Array][] {
  const objects: Record<string, string> = JSON.parse(readFileSync(new URL("objects.json", folder), "utf8"));
  return Object.entries(objects).map(([key, text]) => [key, new Uint8Array(Buffer.from(text, "base64"))]);
}

/** A world over what an older version left, as many ids later, so that none is made twice. */
export async function worldOf(version: string, at: number): Promise<TestWorld> {
  const world = testWorld({ config });
  for (const item of sampleItems(version)) await world.table.put({ item, when: [] });
  for (const [key, bytes] of sampleObjects()) await world.objects.put(key, bytes);
  for (let id = 0; id < 1_000; id += 1) world.deps.newId();
  world.pass((at - world.clock.now()) / 1000);
  return world;
}
