import { describe, expect, it } from "vitest";
import { CorruptRecordError } from "../../../functions/domain/errors.ts";
import { primerStore } from "../../../functions/store/primers.ts";
import { countingIds } from "../../support/chance.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { night, virtualClock } from "../../support/virtual-clock.ts";

function setUp() {
  const table = memoryTable({ clock: virtualClock() });
  return { table, primers: primerStore(table, countingIds()) };
}

const hint = { manifestId: "M1", at: night };

describe("the hints of primers", () => {
  it("are one a prefix and lane, the newest", async () => {
    const { primers } = setUp();
    await primers.note("default", "key", hint);
    await primers.note("default", "key", { ...hint, manifestId: "M2" });
    expect(await primers.find("default", "key")).toEqual({ manifestId: "M2", at: night });
    expect(await primers.find("bulk", "key")).toBeUndefined();
    expect(await primers.find("default", "other")).toBeUndefined();
  });

  it("name who waits, page by page, with the time until which they do", async () => {
    const { primers } = setUp();
    const members = Array.from({ length: 2_500 }, (_, index) => ({ sessionId: `S${index}`, turn: 1 }));
    await primers.addWaiting(hint, members, night + 1);
    await primers.addWaiting(hint, [{ sessionId: "later", turn: 2 }], night + 2);
    const found = [];
    for await (const page of primers.waiting("M1")) found.push(page);
    expect(found.map(({ members: { length }, until }) => [length, until - night])).toEqual([
      [1_000, 1],
      [1_000, 1],
      [500, 1],
      [1, 2],
    ]);
    expect(found.flatMap((page) => page.members)).toEqual([...members, { sessionId: "later", turn: 2 }]);
  });

  it("expire by themselves", async () => {
    const { primers, table } = setUp();
    await primers.note("default", "key", hint);
    await primers.addWaiting(hint, [{ sessionId: "S", turn: 1 }], night);
    for (const item of table.items()) expect(item["expiresAt"]).toBe(night / 1000 + 2 * 86_400);
  });

  it("that cannot be read say so, and pages that cannot are passed over", async () => {
    const { primers, table } = setUp();
    await table.put({ item: { pk: "PRIMER#M1", sk: "WAIT#0", members: "?" }, when: [] });
    await primers.addWaiting(hint, [{ sessionId: "S", turn: 1 }], night);
    const found = [];
    for await (const page of primers.waiting("M1")) found.push(page.members);
    expect(found).toEqual([[{ sessionId: "S", turn: 1 }]]);
    await table.put({ item: { pk: "PRIMER#default#key", sk: "HINT" }, when: [] });
    await expect(primers.find("default", "key")).rejects.toThrow(CorruptRecordError);
  });
});
