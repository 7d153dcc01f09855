import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../functions/domain/manifest.ts";
import { listFrom, manifestViews } from "../../../functions/store/manifest-views.ts";
import { manifestStore } from "../../../functions/store/manifests.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { night, virtualClock } from "../../support/virtual-clock.ts";

const dayMs = 24 * 3_600_000;
const idOf = (number: number) => `01KAJ${String(number).padStart(21, "0")}`;

const aManifest = (number: number, createdAt: number): Manifest => ({
  manifestId: idOf(number),
  lane: "default",
  state: "preparing",
  createdAt,
  count: 1,
  bytes: 0,
  pages: 1,
  betas: [],
  credential: {},
  readFailures: 0,
});

async function listed(table: ReturnType<typeof memoryTable>, below: string, oldest: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of manifestViews(table).newest(below, oldest))
    ids.push(...page.map(({ manifestId }) => manifestId));
  return ids;
}

describe("the list of manifests", () => {
  it("has each once, however often its creation was sent", async () => {
    const table = memoryTable();
    const store = manifestStore(table, virtualClock());
    for (let sent = 0; sent < 2; sent += 1) await store.create(aManifest(1, night));
    expect(await listed(table, listFrom(night), night - dayMs)).toEqual([idOf(1)]);
  });

  it("goes through whole days and pages, the newest first, those of one moment by id", async () => {
    const table = memoryTable();
    const store = manifestStore(table, virtualClock());
    for (let number = 1; number <= 450; number += 1)
      await store.create(aManifest(number, night + Math.floor(number / 2) * dayMs * 0.01));
    const all = Array.from({ length: 450 }, (_, index) => idOf(450 - index));
    expect(await listed(table, listFrom(night + 10 * dayMs), night - dayMs)).toEqual(all);
  });

  it("begins below a place, that place left out", async () => {
    const table = memoryTable();
    const store = manifestStore(table, virtualClock());
    for (const number of [1, 2, 3]) await store.create(aManifest(number, night));
    for await (const [newest] of manifestViews(table).newest(listFrom(night), night - dayMs))
      expect(await listed(table, newest?.position ?? "", night - dayMs)).toEqual([idOf(2), idOf(1)]);
    expect.hasAssertions();
  });

  it("asks for nothing before the day it ends at", async () => {
    const table = memoryTable();
    const asked: string[] = [];
    const query: typeof table.query = (one) => {
      asked.push(one.pk);
      return table.query(one);
    };
    const pages = manifestViews({ ...table, query }).newest("2026-11-21T00:10:00.000Z", Date.parse("2026-11-19"));
    for await (const page of pages) expect(page).toEqual([]);
    expect(asked).toEqual(["BATCHES#2026-11-21", "BATCHES#2026-11-20", "BATCHES#2026-11-19"]);
  });
});

describe("the lines that were set aside", () => {
  it("are counted, up to a bound", async () => {
    const table = memoryTable();
    const store = manifestStore(table, virtualClock());
    for (let line = 1; line <= 130; line += 1) await store.quarantine(idOf(1), line, "{}");
    await store.quarantine(idOf(2), 1, "{}");
    expect(await manifestViews(table).quarantined(idOf(1))).toBe(100);
    expect(await manifestViews(table).quarantined(idOf(2))).toBe(1);
    expect(await manifestViews(table).quarantined(idOf(3))).toBe(0);
  });
});
