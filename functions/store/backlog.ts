import * as v from "valibot";
import type { Item, Table } from "../clients/table.ts";
import type { DueEntry } from "../domain/backlog.ts";
import { dueShards, maxBacklogEntries } from "../domain/limits.ts";
import { duePartition, statuses } from "../domain/session.ts";

export interface BacklogReader {
  /** Hands over, page by page, what waits to be sent or runs. @returns whether that was all, or as much as is ever read */
  read(take: (entries: readonly DueEntry[]) => void): Promise<boolean>;
}

const schema = v.object({
  lane: v.string(),
  status: v.picklist(statuses),
  mode: v.picklist(["batch", "realtime"]),
  createdAt: v.number(),
  askedAt: v.exactOptional(v.number()),
  notBefore: v.number(),
});

/** Every unfinished session that is in nobody's batch is due to one of the two. */
const purposes = ["rescue", "deadline"] as const;
const entriesPerPage = 1_000;

/** Counts from the index alone: no session is read, and no figure is kept that a move would have to write. */
export function backlogReader(table: Table): BacklogReader {
  return {
    async read(take) {
      const partitions = purposes.flatMap((purpose) =>
        Array.from({ length: dueShards }, (_, shard) => duePartition(purpose, shard)),
      );
      const areWhole = await Promise.all(partitions.map((partition) => readPartition(table, partition, take)));
      return areWhole.every(Boolean);
    },
  };
}

async function readPartition(
  table: Table,
  value: string,
  take: (entries: readonly DueEntry[]) => void,
): Promise<boolean> {
  let after: Item | undefined;
  // The entry of a session that is damaged is not counted, and hides no other.
  let isWhole = true;
  for (let read = 0; read < maxBacklogEntries; ) {
    const page = await table.queryIndex({
      index: "due",
      partition: { attribute: "due", value },
      sort: "dueAt",
      limit: entriesPerPage,
      ...(after === undefined ? {} : { after }),
    });
    const entries = page.items.map((item) => v.safeParse(schema, item));
    take(entries.flatMap(({ success, output }) => (success ? [output] : [])));
    isWhole &&= entries.every(({ success }) => success);
    read += page.items.length;
    after = page.next;
    if (after === undefined) return isWhole;
  }
  return false;
}
