import * as v from "valibot";
import type { Clause, Item, Key, Table } from "../clients/table.ts";
import { iso, type NewId } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { manifestListDays, maxSumsPerTick, partDays } from "../domain/limits.ts";
import { time } from "../domain/parse.ts";
import { daysLater } from "../domain/retention.ts";
import { addRollup, emptyRollup, parseRollup, type Rollup, rollupText } from "../domain/rollup.ts";
import type { Bodies } from "./bodies.ts";
import { itemVersion, readableItem, readItem } from "./versions.ts";

/**
 * The sums over the ledger: one of each settled manifest and of each minute's real-time calls, and one of each day over
 * those. None is ever added to. A part whose entries may have changed is marked; its sum is made anew, whole, and put in one
 * transaction with the end of the mark that was seen before, so that of two who sum, the one who saw less is refused.
 */
export interface Books {
  /** Before a real-time call: where the sum of its minute will look for what became of it. */
  beginRun(run: BookedRun, minute: string): Promise<void>;
  mark(kind: PartKind, name: string): Promise<Mark>;
  /** As many as a tick takes, read strongly. */
  marks(kind: PartKind): Promise<Mark[]>;
  /** Nothing is to be summed there; unless it was marked anew since. */
  forget(mark: Mark): Promise<void>;
  /** Real-time calls that were about to be made in a minute. */
  runs(minute: string): Promise<BookedRun[]>;
  /** What a day's sums are made of: its manifests, settled or not, and its minutes with real-time calls. */
  partsOf(day: string): Promise<Pick<Mark, "kind" | "name">[]>;
  /** The sum of a manifest or minute, for its day; refused where it was marked anew since. */
  putTotal(mark: Mark, day: string, rollup: Rollup): Promise<void>;
  /** Whether it has been summed before. */
  hasTotal(mark: Mark, day: string): Promise<boolean>;
  /** The sum over the totals of a day. @throws CorruptRecordError where one is damaged, which is marked then */
  sumDay(day: string): Promise<Rollup>;
  putDay(mark: Mark, rollup: Rollup): Promise<void>;
  /** Of those days that have any. One that is damaged is left out, and marked. */
  days(days: readonly string[]): Promise<Map<string, Rollup>>;
}

/** `REBUILD` is a day of which every part is to be marked. */
export type PartKind = "REBUILD" | "MANIFEST" | "MINUTE" | "DAY";

export interface Mark {
  kind: PartKind;
  /** A manifest's id, `2026-11-21T02:15`, or `2026-11-21`. */
  name: string;
  /** New each time it is marked. */
  mark: string;
}

const runSchema = v.object({
  sessionId: v.string(),
  turn: v.number(),
  run: v.string(),
  /** When its call is over, whatever came of it. */
  endsAt: time,
});
export type BookedRun = v.InferOutput<typeof runSchema>;

const markSchema = v.object({ mark: v.string() });
const sumSchema = v.object({ body: v.unknown() });

/** Days are those of UTC. A manifest's is that of its creation, a real-time call's that of its beginning: neither ever changes. */
export const dayOf = (time: number) => iso(time).slice(0, 10);
export const minuteOf = (time: number) => iso(time).slice(0, 16);
export const dayOfMinute = (minute: string) => minute.slice(0, 10);

const markKey = (kind: PartKind, name: string): Key => ({ pk: "UNSUMMED", sk: `${kind}#${name}` });
const markPut = (kind: PartKind, name: string, mark: string) => ({
  item: { ...markKey(kind, name), v: itemVersion, mark },
  when: [],
});
const runsPartition = (minute: string) => `RUNS#${dayOfMinute(minute)}`;
const timeOf = (minute: string) => minute.slice(11);
const totalsPartition = (day: string) => `SPENT#${day}`;
const totalKey = ({ kind, name }: Mark, day: string): Key => ({ pk: totalsPartition(day), sk: `${kind}#${name}` });
const dayKey = (day: string): Key => ({ pk: `USAGE#${day}`, sk: "SUM" });

export function bookStore(table: Table, bodies: Bodies, newId: NewId): Books {
  const unmark = ({ kind, name, mark }: Mark) => {
    const when: Clause[] = [{ attribute: "mark", is: "equal", value: mark }];
    return { remove: { key: markKey(kind, name), when } };
  };
  const sumItem = async (key: Key, rollup: Rollup, expiresAt?: number) => ({
    put: {
      item: { ...key, v: itemVersion, expiresAt, body: await bodies.pack(rollupText(rollup), { path: "usage" }) },
      when: [],
    },
  });
  const putMark = async (kind: PartKind, name: string): Promise<Mark> => {
    const mark = newId();
    await table.put(markPut(kind, name, mark));
    return { kind, name, mark };
  };
  const { readOrMark, readTotal } = sumReader(bodies, putMark);
  return {
    async beginRun(run, minute) {
      const key = { pk: runsPartition(minute), sk: `${timeOf(minute)}#${run.run}` };
      const expiresAt = daysLater(run.endsAt, manifestListDays);
      await table.put({ item: { ...key, v: itemVersion, ...run, expiresAt }, when: [] });
      // The mark comes second: whoever has seen it sees the entry as well.
      await putMark("MINUTE", minute);
    },
    mark: putMark,
    async marks(kind) {
      const { items } = await table.query({ pk: "UNSUMMED", prefix: `${kind}#`, limit: maxSumsPerTick });
      return Promise.all(
        items.map(async (item) => {
          const name = item.sk.slice(kind.length + 1);
          const read = readableItem(markSchema, item);
          return read === undefined ? putMark(kind, name) : { kind, name, mark: read.mark };
        }),
      );
    },
    async forget(mark) {
      await table.transact([unmark(mark)]);
    },
    async runs(minute) {
      const items = await readAll(table, runsPartition(minute), `${timeOf(minute)}#`);
      return items.map((item) => readItem(runSchema, item, `${item.sk} of ${item.pk}`));
    },
    partsOf: (day) => partsOf(table, day),
    async putTotal(mark, day, rollup) {
      const total = await sumItem(totalKey(mark, day), rollup, daysLater(Date.parse(day), partDays));
      await table.transact([total, unmark(mark), { put: markPut("DAY", day, newId()) }]);
    },
    async hasTotal(mark, day) {
      return (await table.get(totalKey(mark, day))) !== undefined;
    },
    async sumDay(day) {
      const sum = emptyRollup();
      for await (const items of pagesOf(table, totalsPartition(day))) {
        for (const item of items) addRollup(sum, await readTotal(item));
      }
      return sum;
    },
    async putDay(mark, rollup) {
      await table.transact([await sumItem(dayKey(mark.name), rollup), unmark(mark)]);
    },
    days: (days) => readDays(days, table, readOrMark),
  };
}

type ReadOrMark = ReturnType<typeof sumReader>["readOrMark"];

async function readDays(days: readonly string[], table: Table, readOrMark: ReadOrMark): Promise<Map<string, Rollup>> {
  const found = new Map<string, Rollup>();
  for (const item of await table.getMany(days.map(dayKey))) {
    const day = item.pk.replace("USAGE#", "");
    const sum = await readOrMark(item, "DAY", day);
    if (!(sum instanceof CorruptRecordError)) found.set(day, sum);
  }
  return found;
}

/** Reads sums. One that is damaged is marked: the ledger has all that it was made of. */
function sumReader(bodies: Bodies, putMark: (kind: PartKind, name: string) => Promise<Mark>) {
  const readOrMark = async (item: Item, kind: PartKind, name: string): Promise<Rollup | CorruptRecordError> => {
    try {
      const { body } = readItem(sumSchema, item, `${item.sk} of ${item.pk}`);
      return parseRollup(await bodies.unpack(body));
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      await putMark(kind, name);
      return error;
    }
  };
  const readTotal = async (item: Item): Promise<Rollup> => {
    const [kind, name = ""] = item.sk.split("#");
    const total = await readOrMark(item, kind === "MINUTE" ? "MINUTE" : "MANIFEST", name);
    // The day stays marked, and is summed once this part is there again.
    if (total instanceof CorruptRecordError) throw total;
    return total;
  };
  return { readOrMark, readTotal };
}

async function partsOf(table: Table, day: string): Promise<Pick<Mark, "kind" | "name">[]> {
  const manifests = await readAll(table, `BATCHES#${day}`);
  const runs = await readAll(table, `RUNS#${day}`);
  const minutes = new Set(runs.map(({ sk }) => `${day}T${sk.split("#")[0]}`));
  return [
    ...manifests.map(({ sk }) => ({ kind: "MANIFEST" as const, name: sk.split("#")[1] ?? "" })),
    ...[...minutes].map((name) => ({ kind: "MINUTE" as const, name })),
  ];
}

async function* pagesOf(table: Table, pk: string, prefix?: string): AsyncGenerator<Item[]> {
  let after: Key | undefined;
  do {
    const page = await table.query({
      pk,
      ...(prefix === undefined ? {} : { prefix }),
      ...(after === undefined ? {} : { after }),
    });
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

async function readAll(table: Table, pk: string, prefix?: string): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pagesOf(table, pk, prefix)) items.push(...page);
  return items;
}
