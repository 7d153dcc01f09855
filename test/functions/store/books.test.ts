import { describe, expect, it } from "vitest";
import { emptyRollup, type Rollup } from "../../../functions/domain/rollup.ts";
import { bodyStore } from "../../../functions/store/bodies.ts";
import { bookStore, dayOf, minuteOf } from "../../../functions/store/books.ts";
import { countingIds } from "../../support/chance.ts";
import { memoryObjects } from "../../support/memory-services.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";
import { manifestId, sessionId } from "../domain/support.ts";

const day = "2026-11-21";
function open() {
  const table = memoryTable();
  return { table, books: bookStore(table, bodyStore(memoryObjects(), virtualClock()), countingIds()) };
}
const paying = (paid: bigint): Rollup => {
  const rollup = emptyRollup();
  rollup.all = { ...rollup.all, results: 1, paid };
  return rollup;
};
const paidOn = async (books: ReturnType<typeof open>["books"]) => (await books.days([day])).get(day)?.all.paid;

describe("the day of what was paid", () => {
  it("is that of UTC", () => {
    const time = Date.parse("2026-11-21T23:59:59.999Z");
    expect([dayOf(time), dayOf(time + 1), minuteOf(time)]).toEqual([day, "2026-11-22", "2026-11-21T23:59"]);
  });
});

describe("a sum", () => {
  it("of a manifest makes its day due, and the day's is made of all of them", async () => {
    const { books } = open();
    await books.mark("MANIFEST", manifestId);
    const [mark] = await books.marks("MANIFEST");
    expect(mark).toMatchObject({ kind: "MANIFEST", name: manifestId });
    await books.putTotal(mark!, day, paying(5n));
    expect([await books.marks("MANIFEST"), await paidOn(books)]).toEqual([[], undefined]);
    const [due] = await books.marks("DAY");
    await books.putDay(due!, await books.sumDay(day));
    expect([await books.marks("DAY"), await paidOn(books)]).toEqual([[], 5n]);
  });

  it("made twice counts once", async () => {
    const { books } = open();
    for (const paid of [5n, 5n]) {
      await books.mark("MANIFEST", manifestId);
      await books.putTotal((await books.marks("MANIFEST"))[0]!, day, paying(paid));
    }
    await books.mark("MINUTE", `${day}T02:15`);
    await books.putTotal((await books.marks("MINUTE"))[0]!, day, paying(7n));
    expect((await books.sumDay(day)).all).toMatchObject({ paid: 12n, results: 2 });
  });

  it("is refused to whoever saw less: it was marked anew since", async () => {
    const { books } = open();
    await books.mark("MANIFEST", manifestId);
    const [seen] = await books.marks("MANIFEST");
    await books.mark("MANIFEST", manifestId);
    const [again] = await books.marks("MANIFEST");
    await books.putTotal(again!, day, paying(9n));
    await books.putTotal(seen!, day, paying(5n));
    await books.forget(seen!);
    expect((await books.sumDay(day)).all.paid).toBe(9n);
  });

  it("of a day is refused likewise, so that of two who sum it the one who saw all of it stays", async () => {
    const { books } = open();
    await books.mark("DAY", day);
    const [early] = await books.marks("DAY");
    const seen = await books.sumDay(day);
    await books.mark("MANIFEST", manifestId);
    await books.putTotal((await books.marks("MANIFEST"))[0]!, day, paying(5n));
    const [late] = await books.marks("DAY");
    await books.putDay(late!, await books.sumDay(day));
    await books.putDay(early!, seen);
    expect(await paidOn(books)).toBe(5n);
  });
});

describe("a real-time call", () => {
  it("is found by its minute, which is marked once it is there", async () => {
    const { books, table } = open();
    const run = { sessionId, turn: 1, run: "rt-1", endsAt: 7 };
    await books.beginRun(run, `${day}T02:15`);
    await books.beginRun({ ...run, run: "rt-2" }, `${day}T02:16`);
    expect(await books.runs(`${day}T02:15`)).toEqual([run]);
    expect((await books.marks("MINUTE")).map(({ name }) => name)).toEqual([`${day}T02:15`, `${day}T02:16`]);
    expect(table.items()).toHaveLength(4);
  });

  it("is found again by its day, with the manifests of that day", async () => {
    const { books, table } = open();
    for (const run of ["rt-1", "rt-2"]) await books.beginRun({ sessionId, turn: 1, run, endsAt: 7 }, `${day}T02:15`);
    await table.insert({ pk: `BATCHES#${day}`, sk: `${day}T01:00:00.000Z#${manifestId}` });
    expect(await books.partsOf(day)).toEqual([
      { kind: "MANIFEST", name: manifestId },
      { kind: "MINUTE", name: `${day}T02:15` },
    ]);
  });
});
