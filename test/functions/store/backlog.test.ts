import { describe, expect, it } from "vitest";
import type { Item } from "../../../functions/clients/table.ts";
import type { DueEntry } from "../../../functions/domain/backlog.ts";
import { dueShards, maxBacklogEntries } from "../../../functions/domain/limits.ts";
import { backlogReader } from "../../../functions/store/backlog.ts";
import { sessionItem } from "../../../functions/store/session-items.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { aSession } from "../domain/support.ts";

const idOf = (number: number) => `01KAJ${String(number).padStart(20, "0")}${number % 8}`;

describe("the backlog", () => {
  it("is read from the index alone, all shards and pages of it", async () => {
    const table = memoryTable();
    for (let number = 0; number < 50; number += 1) {
      const look = { purpose: number % 2 === 0 ? ("rescue" as const) : ("deadline" as const), at: 5 };
      await table.put({ item: sessionItem(aSession({ sessionId: idOf(number), lane: "bulk" }), look), when: [] });
    }
    const untouched = { ...table, get: () => Promise.reject(new Error()), getMany: () => Promise.reject(new Error()) };
    const found: DueEntry[] = [];
    expect(await backlogReader(untouched).read((entries) => void found.push(...entries))).toBe(true);
    expect(found).toHaveLength(50);
    expect(new Set(found.map(({ lane, status }) => `${lane} ${status}`))).toEqual(new Set(["bulk queued"]));
  });

  it("leaves out who is due to be delivered", async () => {
    const table = memoryTable();
    await table.put({ item: sessionItem(aSession({ status: "done" }), { purpose: "deliver", at: 5 }), when: [] });
    const found: DueEntry[] = [];
    await backlogReader(table).read((entries) => void found.push(...entries));
    expect(found).toEqual([]);
  });

  it("counts the others where an entry is damaged, and says that this was not all", async () => {
    const table = memoryTable();
    for (const number of [0, 8])
      await table.put({
        item: sessionItem(aSession({ sessionId: idOf(number) }), { purpose: "rescue", at: 5 }),
        when: [],
      });
    const key = { pk: `SESSION#${idOf(0)}`, sk: "META" };
    await table.update({ key, set: { status: "lost" }, when: [] });
    const found: DueEntry[] = [];
    expect(await backlogReader(table).read((entries) => void found.push(...entries))).toBe(false);
    expect(found).toHaveLength(1);
  });

  it("is read only so far, however long it is, and then says that this was not all", async () => {
    const table = memoryTable();
    const item: Item = { ...sessionItem(aSession(), { purpose: "rescue", at: 5 }) };
    const endless = {
      ...table,
      queryIndex: async ({ limit }: { limit: number }) => ({ items: Array<Item>(limit).fill(item), next: item }),
    };
    let count = 0;
    const isWhole = await backlogReader(endless).read((entries) => {
      count += entries.length;
    });
    expect(isWhole).toBe(false);
    expect(count).toBe(2 * dueShards * maxBacklogEntries);
  });
});
