import type { Item, Table } from "../../functions/clients/table.ts";
import type { LogCode } from "../../functions/domain/log.ts";
import { createMemoryJournal, type Journal } from "../../infra/local/anthropic/journal.ts";
import { countingIds, seededRandom } from "../support/chance.ts";
import { memoryAnthropic } from "../support/memory-anthropic.ts";
import { memoryQueues } from "../support/memory-queues.ts";
import { memoryEvents, memoryObjects, memorySecrets } from "../support/memory-services.ts";
import { memoryTable } from "../support/memory-table.ts";
import { apiKeySecret } from "../support/ports.ts";
import { configOf, rooms } from "../support/rooms.ts";
import { virtualClock } from "../support/virtual-clock.ts";

const config = configOf({ agents: { list: [{ id: "worker", delivery: "digest" }] } });
/** So many objects, and results of so many batches, are kept, the newest: of a settled batch nothing of either is read again. */
const keptParts = 200;
/** By then its batch is settled and summed as well. */
const checkedAfterMs = 150_000;

/** What the outside has seen of one session: each once, or something is wrong. */
interface Seen {
  told: number;
  billed: number;
  toldAt: number;
}

/**
 * The rooms over services in memory, where whoever has ended, was told of and is on the bill is checked. Unless they keep
 * everything, they forget who was checked and what nobody will read again: else a million sessions would be gigabytes.
 */
export function nightWorld(keeps: boolean) {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  const queues = memoryQueues({ clock, names: [...config.lanes.map(({ id }) => id), "realtime"] });
  const bus = memoryEvents();
  const seen = new Map<string, Seen>();
  const seenOf = (sessionId: string): Seen => {
    const one = seen.get(sessionId) ?? { told: 0, billed: 0, toldAt: 0 };
    seen.set(sessionId, one);
    return one;
  };
  const secrets = memorySecrets({ [apiKeySecret]: "sk-bench" });
  const kept = keeps ? Number.POSITIVE_INFINITY : keptParts;
  const journal = billReader(kept, (sessionId) => {
    seenOf(sessionId).billed += 1;
  });
  const api = memoryAnthropic({ clock, secrets, journal, batchSeconds: { min: 300, max: 900 } });
  const anthropic = api.client(apiKeySecret);
  const events: typeof bus = {
    ...bus,
    async put(some) {
      for (const { detail } of some) {
        const { done = [] }: { done?: string[] } = JSON.parse(detail);
        for (const id of done) Object.assign(seenOf(id.slice(0, 26)), { toldAt: clock.now() }).told += 1;
      }
      const answers = await bus.put(some);
      bus.taken.length = 0;
      return answers;
    },
  };
  const logs = new Map<LogCode, number>();
  const here = rooms({
    ports: { table, queues, objects: fewObjects(kept), events, secrets, anthropicFor: () => anthropic },
    config,
    clock,
    newId: countingIds(),
    random: seededRandom(1),
    log: (code) => void logs.set(code, (logs.get(code) ?? 0) + 1),
    metrics: () => {},
    millisecondsLeft: () => 900_000,
    withLeases: true,
  });
  let checked = 0;
  const deliveries = deliveryReader(table, keeps);
  return {
    ...here,
    clock,
    table,
    queues,
    logs,
    checked: () => checked,
    /** Of those who were told of some ticks ago. @throws where one is not as it must be */
    async check() {
      api.calls.length = 0;
      const before = clock.now() - checkedAfterMs;
      for (const [sessionId, one] of seen) {
        // They were told in the order of this map, or nearly so; who is only on the bill is told later.
        if (one.told === 0 || one.toldAt > before) continue;
        const items = await checkedItems(sessionId, one, { table, deliveries });
        if (!keeps) await table.transact(items.map(({ pk, sk }) => ({ remove: { key: { pk, sk }, when: [] } })));
        seen.delete(sessionId);
        checked += 1;
      }
    },
  };
}

type Deliveries = ReturnType<typeof deliveryReader>;

/** Whether the delivery of an ended turn is noted with its page. Each is asked about once, and a page read once for all of them. */
function deliveryReader(table: Table, keeps: boolean) {
  const pages = new Map<string, Set<unknown>>();
  return async ({ pk, winner, page, turn }: Item): Promise<boolean> => {
    const key = { pk: `MANIFEST#${String(winner)}`, prefix: `DELIVERED#${String(page).padStart(6, "0")}#` };
    const name = `${key.pk} ${key.prefix}`;
    const known = pages.get(name);
    const { items } = known === undefined ? await table.query(key) : { items: [] };
    const left = known ?? new Set(items.flatMap(({ turns }) => (Array.isArray(turns) ? turns : [])));
    pages.set(name, left);
    const isNoted = left.delete(`${pk.replace("SESSION#", "")}.${String(turn)}`);
    if (left.size > 0) return isNoted;
    pages.delete(name);
    const gone = await table.query(key);
    if (!keeps && gone.items.length > 0)
      await table.transact(gone.items.map((item) => ({ remove: { key: item, when: [] } })));
    return isNoted;
  };
}

async function checkedItems(
  sessionId: string,
  { told, billed }: Seen,
  { table, deliveries }: { table: Table; deliveries: Deliveries },
): Promise<Item[]> {
  const { items } = await table.query({ pk: `SESSION#${sessionId}` });
  const kinds = items.map(({ sk }) => sk.split("#")[0]).join(" ");
  const meta = items.find(({ sk }) => sk === "META");
  const isDelivered = meta !== undefined && (await deliveries(meta));
  const isRight = kinds === "META REQUEST RESULT" && meta?.["status"] === "done" && isDelivered;
  if (!isRight || told !== 1 || billed !== 1)
    throw new Error(`${sessionId}: ${kinds}, ${String(meta?.["status"])}, told ${told} and billed ${billed} times`);
  return items;
}

/** A journal that keeps no bill: whoever is on it is told of, and no results but of the batches that ended last. */
function billReader(kept: number, onBill: (sessionId: string) => void): Journal {
  const journal = createMemoryJournal();
  const ended: string[] = [];
  return {
    ...journal,
    append(record, bodies = []) {
      journal.append(
        record,
        bodies.filter(({ kind }) => kind !== "bill"),
      );
      for (const { lines } of bodies.filter(({ kind }) => kind === "bill")) {
        for (const line of lines) {
          const { customId }: { customId: string } = JSON.parse(line);
          onBill(customId.slice(0, 26));
        }
      }
      if (record.kind !== "ended") return;
      ended.push(record.batchId);
      if (ended.length > kept) journal.drop(ended.shift() ?? "", "results");
    },
  };
}

function fewObjects(kept: number) {
  const objects = memoryObjects();
  const keys: string[] = [];
  return {
    ...objects,
    async put(key: string, bytes: Uint8Array) {
      await objects.put(key, bytes);
      keys.push(key);
      if (keys.length > kept) objects.remove(keys.shift() ?? "");
    },
  };
}
