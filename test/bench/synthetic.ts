import { setImmediate } from "node:timers/promises";
import { createAnthropic } from "../../functions/clients/anthropic.ts";
import { secretKey } from "../../functions/clients/key.ts";
import { newUlid } from "../../functions/clients/system.ts";
import type { Item, Key, Page, Query } from "../../functions/clients/table.ts";
import type { Agent } from "../../functions/domain/config/index.ts";
import { membersPerPage } from "../../functions/domain/limits.ts";
import type { Session } from "../../functions/domain/session.ts";
import { firstTurn } from "../../functions/domain/turn-request.ts";
import { bodyStore, type Packed } from "../../functions/store/bodies.ts";
import { pageKey } from "../../functions/store/manifest-items.ts";
import { sessionItem } from "../../functions/store/session-items.ts";
import { itemVersion } from "../../functions/store/versions.ts";
import { memoryQueues } from "../support/memory-queues.ts";
import { memoryEvents, memoryObjects, memorySecrets } from "../support/memory-services.ts";
import { type MemoryTable, memoryTable } from "../support/memory-table.ts";
import type { Ports } from "../support/ports.ts";
import { apiKeySecret } from "../support/ports.ts";
import { configOf, rooms } from "../support/rooms.ts";
import { words } from "./texts.ts";

/** Sessions that are made up when they are asked for, so that a hundred thousand of them take no memory of their own. */
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const manifestId = "01KAJ900000000000000000000";
const clock = { now: Date.now, sleep: async () => {}, pass: () => {} };

export function sessionIdOf(place: number): string {
  let digits = "";
  for (let rest = place; rest > 0; rest = Math.floor(rest / 32)) digits = crockford.charAt(rest % 32) + digits;
  return `01${digits.padStart(24, "0")}`;
}

export function sessionAt(sessionId: string, status: "queued" | "submitted"): Session {
  return {
    sessionId,
    sessionKey: `agent:worker:dashboard:${sessionId.toLowerCase()}`,
    agentId: "worker",
    client: "owner",
    model: "claude-haiku-5-5",
    mode: "batch",
    lane: "default",
    why: "batch, the default",
    zeroDataRetention: false,
    onDeadline: "wait",
    status,
    turn: 1,
    attempt: 1,
    sendNo: 1,
    createdAt: Date.now(),
    notBefore: 0,
    ...(status === "submitted" ? { manifestId, submittedAt: Date.now() } : {}),
  };
}

const config = configOf({
  agents: { list: [{ id: "worker", cacheRetention: "none" }] },
  lanes: [
    {
      id: "default",
      maxBatchRequests: 100_000,
      maxBatchBytes: 250_000_000,
      maxInFlightRequests: 1_000_000,
      priming: "off",
    },
  ],
});

/** The rooms over such sessions, and Anthropic's API at an address. */
export async function syntheticRooms(status: "queued" | "submitted", count: number, modelUrl: string) {
  const ports: Ports = {
    table: await syntheticTable(status, count),
    queues: { ...memoryQueues({ clock }), receive: receiver(count), send: async () => {}, remove: async () => {} },
    objects: { ...memoryObjects(), put: async () => {} },
    events: { ...memoryEvents(), put: async (events) => events.map(() => true) },
    secrets: memorySecrets({}),
    anthropicFor: () =>
      createAnthropic({
        key: secretKey(memorySecrets({ [apiKeySecret]: "sk-bench" }), apiKeySecret),
        baseURL: modelUrl,
      }),
  };
  const quiet = {
    log: () => {},
    metrics: () => {},
    random: Math.random,
    millisecondsLeft: () => 900_000,
  };
  return rooms({ ports, config, clock, newId: newUlid, withLeases: true, ...quiet });
}

function receiver(count: number) {
  let given = 0;
  return async (_queue: string, most = 10) => {
    const some = Math.min(most, 10, count - given);
    return Array.from({ length: some }, () => {
      given += 1;
      const body = JSON.stringify({ sessionId: sessionIdOf(given), turn: 1, attempt: 1, sendNo: 1 });
      return { body, handle: `AQEB${given}${"x".repeat(180)}`, receives: 1 };
    });
  };
}

async function syntheticTable(status: "queued" | "submitted", count: number): Promise<MemoryTable> {
  const memory = memoryTable({ clock });
  const agent = config.agents[0];
  if (agent === undefined) throw new Error("no agent");
  const bodies = await madeBodies(agent);
  const made = ({ pk, sk }: Key): Item[] => {
    const sessionId = pk.replace("SESSION#", "");
    // As it comes over the wire: what is part of another text would keep that as well.
    if (sk === "META") return [JSON.parse(JSON.stringify(sessionItem(sessionAt(sessionId, status), undefined)))];
    const body = bodies[parseInt(sessionId.slice(-6), 32) % bodies.length];
    return sk.startsWith("REQUEST#") ? [{ pk, sk, turn: 1, hash: "", body: structuredClone(body) }] : [];
  };
  // Nor are the notes of what was delivered kept, which say of each session that it was.
  const isMade = ({ pk, sk }: Key) => pk.startsWith("SESSION#") || sk.startsWith("DELIVERED#");
  const pages = Math.ceil(count / membersPerPage);
  return {
    ...memory,
    query: async (query) => (query.prefix === "PAGE#" ? answered(membersAfter(query, pages)) : memory.query(query)),
    get: async (key) => answered(isMade(key) ? made(key)[0] : memory.get(key)),
    getMany: async (keys) =>
      answered([...keys.filter(isMade).flatMap(made), ...(await memory.getMany(keys.filter((key) => !isMade(key))))]),
    insert: async (item) => answered(isMade(item) ? { moved: true, item } : memory.insert(item)),
    put: async (write) => answered(isMade(write.item) ? { moved: true, item: write.item } : memory.put(write)),
    async update(change) {
      const [item] = isMade(change.key) ? made(change.key) : [];
      const set = Object.entries(change.set ?? {}).filter(([, value]) => value !== undefined);
      return answered(
        item === undefined ? memory.update(change) : { moved: true, item: { ...item, ...Object.fromEntries(set) } },
      );
    },
  };
}

/** Not before the event loop has come round, as no answer of a real store does: else nothing else has its turn for as long as there is work. */
async function answered<T>(answer: T | Promise<T>): Promise<T> {
  await setImmediate();
  return answer;
}

/** One page of the members of the manifest. */
function membersAfter({ after }: Query, pages: number): Page {
  const page = after === undefined ? 1 : Number(after.sk.replace("PAGE#", "")) + 1;
  const first = (page - 1) * membersPerPage + 1;
  const members = Array.from({ length: membersPerPage }, (_, place) => `${sessionIdOf(first + place)}.1`);
  const item = { ...pageKey(manifestId, page), v: itemVersion, members };
  return { items: [item], ...(page < pages ? { next: item } : {}) };
}

/** As many as no slice or bundle holds twice. */
async function madeBodies(agent: Agent): Promise<Packed[]> {
  const task = words(2_250, 3);
  const store = bodyStore(memoryObjects(), { now: Date.now, sleep: async () => {} });
  const requests = Array.from({ length: 2_000 }, () =>
    firstTurn(agent, { task: task(), model: agent.model, at: Date.now(), cache: { retention: "none", isAuto: false } }),
  );
  return Promise.all(requests.map((request) => store.pack(JSON.stringify(request), { path: "" })));
}
