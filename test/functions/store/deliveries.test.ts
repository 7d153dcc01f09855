import { describe, expect, it } from "vitest";
import type { Session } from "../../../functions/domain/session.ts";
import { deliveryStore } from "../../../functions/store/deliveries.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";
import { aSession } from "../domain/support.ts";

const manifestId = "01KAJ900000000000000000000";
const ids = ["01KAJ9A0000000000000000001", "01KAJ9A0000000000000000002", "01KAJ9A0000000000000000003"];
const ended = (sessionId: string, more: Partial<Session> = {}) =>
  aSession({ sessionId, status: "done", manifestId, winner: manifestId, page: 1, ...more });
const turnOf = (sessionId: string) => `${sessionId}.1`;

function world() {
  const table = memoryTable();
  return { table, store: deliveryStore(table, virtualClock()) };
}

describe("the deliveries of a page of results", () => {
  it("are noted in one write, and found by its sessions", async () => {
    const { table, store } = world();
    await store.insertDeliveries({ manifestId, page: 1 }, ids.map(turnOf), { at: 5 });
    expect(table.items()).toHaveLength(1);
    const found = await store.delivered(ids.map((id) => ended(id)));
    expect([...found]).toEqual(ids.map((id) => [id, 5]));
  });

  it("are those of this page, this manifest and this turn alone", async () => {
    const { store } = world();
    const [id = ""] = ids;
    await store.insertDeliveries({ manifestId, page: 1 }, [turnOf(id)], { at: 5 });
    for (const other of [{ page: 201 }, { winner: ids[2] ?? "" }, { turn: 2 }])
      expect(await store.delivered([ended(id, other)])).toEqual(new Map());
  });

  it("noted again, or others beside them, change nothing of what was noted", async () => {
    const { table, store } = world();
    const [first = "", second = ""] = ids;
    for (const at of [5, 6]) await store.insertDeliveries({ manifestId, page: 1 }, [turnOf(first)], { at });
    await store.insertDeliveries({ manifestId, page: 1 }, [turnOf(second)], { at: 7 });
    expect(table.items()).toHaveLength(2);
    const found = await store.delivered([ended(first), ended(second)]);
    expect([...found]).toEqual([
      [first, 5],
      [second, 7],
    ]);
  });

  it("of which a record is damaged are not known, and keep no other from being found", async () => {
    const { table, store } = world();
    const [first = "", second = ""] = ids;
    await table.put({ item: { pk: `MANIFEST#${manifestId}`, sk: "DELIVERED#000001#x", turns: "?" }, when: [] });
    await store.insertDeliveries({ manifestId, page: 1 }, [turnOf(second)], { at: 7 });
    expect([...(await store.delivered([ended(first), ended(second)]))]).toEqual([[second, 7]]);
  });
});

describe("the delivery of one turn", () => {
  it("is found beside its session, wherever that ended", async () => {
    const { store } = world();
    const [first = "", second = ""] = ids;
    for (const sessionId of [first, second]) await store.insertDelivery({ sessionId, turn: 1, id: "id", at: 3 });
    const { page: _, ...other } = ended(second);
    expect([...(await store.delivered([ended(first), other]))]).toEqual([
      [first, 3],
      [second, 3],
    ]);
  });
});
