import { describe, expect, it } from "vitest";
import {
  isOpen,
  type Manifest,
  type ManifestMove,
  manifestMoves,
  manifestStates,
} from "../../../functions/domain/manifest.ts";
import { type Manifests, manifestStore } from "../../../functions/store/manifests.ts";
import { countingIds } from "../../support/chance.ts";
import { type MemoryTable, memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";
import { aManifest, manifestId, sessionId } from "../domain/support.ts";

function open(): { table: MemoryTable; store: Manifests } {
  const table = memoryTable();
  return { table, store: manifestStore(table, virtualClock()) };
}

const preparing = (more: Partial<Manifest> = {}) => {
  const { notAfter: _none, ...rest } = aManifest({ state: "preparing", ...more });
  return rest;
};

/** A manifest in a state, as the moves that lead there leave it. */
async function inState(state: Manifest["state"], { store }: { store: Manifests }): Promise<Manifest> {
  await store.create(preparing());
  const at = async (name: ManifestMove, seen: Manifest) => (await store.move(name, seen, {}))!;
  if (state === "preparing") return preparing();
  const submitting = await at("submit", preparing());
  if (state === "submitting") return submitting;
  if (state === "submitted" || state === "settled") {
    const submitted = (await store.accept(submitting, "msgbatch_1", "wrkspc_1"))!;
    return state === "submitted" ? submitted : at("settle", submitted);
  }
  const abandoned = await at("abandon", submitting);
  return state === "abandoned" ? abandoned : at("close", abandoned);
}

const openIds = async (store: Manifests, lane?: string) => (await store.open(lane)).map((one) => one.manifestId);

describe("a manifest", () => {
  it("is kept as it was made, and counts among the open ones of its lane from the start", async () => {
    const { store } = open();
    await store.create(preparing({ credential: { apiKeySecret: "other" } }));
    expect(await store.get(manifestId)).toEqual(preparing({ credential: { apiKeySecret: "other" } }));
    expect(await store.open("default")).toEqual([{ manifestId, lane: "default", count: 3 }]);
    expect(await store.open("bulk")).toEqual([]);
    expect(await store.open()).toHaveLength(1);
  });

  it("made twice, because an answer was lost, is there once and as it was", async () => {
    const { store } = open();
    await store.create(preparing());
    await store.move("submit", preparing(), { notAfter: 5 });
    await store.create(preparing());
    expect(await store.get(manifestId)).toMatchObject({ state: "submitting", notAfter: 5 });
    expect(await store.open()).toHaveLength(1);
  });

  it("that is not there is not there", async () => {
    expect(await open().store.get(manifestId)).toBeUndefined();
  });

  it("that cannot be read is an error that names it", async () => {
    const { table, store } = open();
    await table.insert({ pk: `MANIFEST#${manifestId}`, sk: "HEAD", state: "lost" });
    await expect(store.get(manifestId)).rejects.toMatchObject({
      name: "CorruptRecordError",
      message: expect.stringContaining(manifestId),
    });
  });

  it("keeps its head under a kilobyte", async () => {
    const all = open();
    const submitted = await inState("submitted", all);
    await all.store.move("note", submitted, {
      endedAt: 1e12,
      readAgainAt: 1e12,
      readFailures: 9,
      readProblem: "2 of 3 lines",
    });
    const [head] = all.table.items().filter(({ sk }) => sk === "HEAD");
    expect(Buffer.byteLength(JSON.stringify(head))).toBeLessThan(1_024);
  });

  it("of many lanes is found in its own, however alike their names are", async () => {
    const { store } = open();
    const newId = countingIds();
    for (const lane of ["a", "a-b", "ab"]) await store.create(preparing({ lane, manifestId: newId() }));
    for (const lane of ["a", "a-b", "ab"]) expect((await store.open(lane)).map((one) => one.lane)).toEqual([lane]);
    expect(await store.open()).toHaveLength(3);
  });
});

describe("the members of a manifest", () => {
  it("come back page by page, in order", async () => {
    const { store } = open();
    const newId = countingIds();
    const pages = Array.from({ length: 12 }, () =>
      Array.from({ length: 1_000 }, () => ({ sessionId: newId(), turn: 2 })),
    );
    for (const [index, page] of pages.entries()) await store.addPage(preparing(), index + 1, page);
    const read = [];
    for await (const page of store.members(manifestId)) read.push(page);
    expect(read).toEqual(pages);
  });

  it("of a page that was written twice are there once", async () => {
    const { store } = open();
    const page = [{ sessionId, turn: 1 }];
    await store.addPage(preparing(), 1, page);
    await store.addPage(preparing(), 1, page);
    const read = [];
    for await (const members of store.members(manifestId)) read.push(...members);
    expect(read).toEqual(page);
  });

  it("are none where there are no pages", async () => {
    for await (const page of open().store.members(manifestId)) expect(page).toBeUndefined();
  });
});

const rows = Object.entries(manifestMoves).filter(([name]) => name !== "accept") as [
  Exclude<ManifestMove, "accept">,
  (typeof manifestMoves)[ManifestMove],
][];

describe.each(rows)("the move %s", (name, { from, to }) => {
  it.each(from as readonly Manifest["state"][])("is made from %s", async (state) => {
    const all = open();
    const seen = await inState(state, all);
    const moved = await all.store.move(name, seen, { reason: "because" });
    expect(moved).toMatchObject({ state: to ?? state, reason: "because" });
    expect(await all.store.get(manifestId)).toEqual(moved);
  });

  it("changes nothing from anywhere else", async () => {
    for (const state of manifestStates.filter((one) => !(from as readonly string[]).includes(one) && one !== to)) {
      const all = open();
      const seen = await inState(state, all);
      const before = all.table.items();
      expect(await all.store.move(name, seen, { reason: "because" }), state).toBeUndefined();
      expect(all.table.items()).toEqual(before);
    }
  });
});

describe("a manifest is open", () => {
  it.each(manifestStates)("exactly as long as somebody must look at it: %s", async (state) => {
    const all = open();
    await inState(state, all);
    expect((await openIds(all.store)).length === 1).toBe(isOpen(state));
  });

  it("and no longer in flight once it was given up, so that its quota is free", async () => {
    const all = open();
    await inState("abandoned", all);
    expect(await all.store.open()).toEqual([{ manifestId, lane: "default", count: 0 }]);
  });
});

describe("accepting a batch", () => {
  it.each(["submitting", "abandoned", "closed"] as const)(
    "makes it the batch of a manifest that is %s",
    async (state) => {
      const all = open();
      const seen = await inState(state, all);
      expect(await all.store.accept(seen, "msgbatch_1", "wrkspc_1")).toMatchObject({
        state: "submitted",
        batchId: "msgbatch_1",
        workspaceId: "wrkspc_1",
      });
      expect(await all.store.owned(["msgbatch_1", "msgbatch_2"])).toEqual(new Set(["msgbatch_1"]));
      expect(await all.store.open()).toEqual([{ manifestId, lane: "default", count: 3 }]);
    },
  );

  it("again, because an answer was lost, answers as before", async () => {
    const all = open();
    const seen = await inState("submitting", all);
    const first = await all.store.accept(seen, "msgbatch_1", "wrkspc_1");
    expect(await all.store.accept(seen, "msgbatch_1", "wrkspc_1")).toEqual(first);
  });

  it("is refused to a manifest that has another: one of the two was paid for nothing", async () => {
    const all = open();
    const seen = await inState("submitting", all);
    await all.store.accept(seen, "msgbatch_1", undefined);
    expect(await all.store.accept(seen, "msgbatch_2", undefined)).toBeUndefined();
    expect(await all.store.get(manifestId)).toMatchObject({ batchId: "msgbatch_1" });
    expect((await all.store.owned(["msgbatch_2"])).has("msgbatch_2")).toBe(false);
  });

  it("takes the batch out of nobody's hands, though its call had not begun by the book", async () => {
    const all = open();
    const seen = await inState("preparing", all);
    expect(await all.store.accept(seen, "msgbatch_1", undefined)).toBeUndefined();
    expect(await all.store.get(manifestId)).toMatchObject({ state: "preparing" });
  });

  it("does not bring a settled manifest back", async () => {
    const all = open();
    const settled = await inState("settled", all);
    await all.store.accept(settled, "msgbatch_1", undefined);
    expect(await all.store.get(manifestId)).toMatchObject({ state: "settled" });
    expect(await all.store.open()).toEqual([]);
  });

  it("of the workspace that is none of ours is remembered, and read no more", async () => {
    const { store } = open();
    expect(await store.owned(["msgbatch_9"])).toEqual(new Set());
    await store.markForeign("msgbatch_9");
    await store.markForeign("msgbatch_9");
    expect(await store.owned(["msgbatch_9"])).toEqual(new Set(["msgbatch_9"]));
  });
});

describe("a line that nobody knows", () => {
  it("is kept for a person to look at, once, and cut where it is long", async () => {
    const { table, store } = open();
    await store.quarantine(manifestId, 7, "x".repeat(2_000_000));
    await store.quarantine(manifestId, 7, "x".repeat(2_000_000));
    const [item, ...others] = table.items();
    expect(others).toEqual([]);
    expect(item).toMatchObject({ pk: `MANIFEST#${manifestId}`, sk: "QUARANTINE#000007" });
    expect(String(item?.["line"]).length).toBeGreaterThan(1_000);
  });

  it("fits an item whatever its characters are", async () => {
    const { store } = open();
    await expect(store.quarantine(manifestId, 1, "🌙".repeat(1_000_000))).resolves.toBeUndefined();
  });
});
