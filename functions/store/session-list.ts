import type { Item, Table } from "../clients/table.ts";
import { listShards } from "../domain/limits.ts";
import { listPartition } from "./session-items.ts";

export interface ListQuery {
  /** Lists of these agents, or of one label, merged. */
  by: { agentIds: readonly string[] } | { label: string };
  /** Continue below this position. */
  below?: string;
  limit: number;
}

/** Positions in a list and the sessions there, the newest first. */
export type Listed = { sessionId: string; position: string };

/**
 * The newest entries of some lists, merged. Each list is spread over a few partitions of an index, so one page reads the
 * head of each: its cost does not grow with history.
 */
export async function listSessions(table: Table, { by, below, limit }: ListQuery): Promise<Listed[]> {
  const names = "label" in by ? [by.label] : by.agentIds;
  const attribute = "label" in by ? "byLabel" : "byAgent";
  const partitions = names.flatMap((name) =>
    Array.from({ length: listShards }, (_, shard) => listPartition(name, shard)),
  );
  const pages = await Promise.all(
    partitions.map((value) =>
      table.queryIndex({
        index: attribute,
        partition: { attribute, value },
        sort: "listAt",
        ...(below === undefined ? {} : { below }),
        limit,
        newestFirst: true,
      }),
    ),
  );
  const entries = pages.flatMap(({ items }) => items.map(toListed));
  return entries.sort((one, other) => (one.position < other.position ? 1 : -1)).slice(0, limit);
}

function toListed(item: Item): Listed {
  return { sessionId: item.pk.replace("SESSION#", ""), position: String(item["listAt"]) };
}
