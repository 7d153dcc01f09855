import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxUsageGroups } from "../../../functions/domain/limits.ts";
import {
  addEntry,
  addRollup,
  type Entry,
  emptyRollup,
  noName,
  noSums,
  ofAgents,
  others,
  parseRollup,
  type Rollup,
  rollupText,
} from "../../../functions/domain/rollup.ts";
import { aUsage } from "./support.ts";

const entry = (more: Partial<Entry> = {}): Entry => ({
  account: { agentId: "worker", lane: "default", label: "sea" },
  model: "claude-haiku-4-5",
  usage: aUsage({ input: 10, output: 20 }),
  charge: { paid: 50n, realtime: 100n, uncached: 60n, cacheWrites: 5n },
  standing: "winner",
  ...more,
});
const rollupOf = (...entries: Entry[]): Rollup => {
  const rollup = emptyRollup();
  for (const one of entries) addEntry(rollup, one);
  return rollup;
};

describe("a rollup", () => {
  it("sums what each entry cost, whole and by each of its names", () => {
    const { all, by } = rollupOf(
      entry(),
      entry({ account: { agentId: "digest", lane: "default", cronJob: "nightly" } }),
    );
    expect(all).toEqual({
      ...noSums,
      results: 2,
      usage: aUsage({ input: 20, output: 40 }),
      paid: 100n,
      realtime: 200n,
      uncached: 120n,
      cacheWrites: 10n,
    });
    expect(by.agent.get("digest")).toMatchObject({ results: 1, paid: 50n });
    expect(by.lane.get("default")).toEqual(all);
    expect([...by.label.keys()]).toEqual(["sea", noName]);
    expect([...by.cronJob.keys()]).toEqual([noName, "nightly"]);
    expect(by.model.get("claude-haiku-4-5")?.results).toBe(2);
  });

  it("counts what has no price as missing, and not as free", () => {
    const { all } = rollupOf(entry({ charge: undefined, usage: undefined }));
    expect(all).toEqual({ ...noSums, results: 1, missing: 1 });
  });

  it("tells apart what was paid for answers that did not count", () => {
    const standings = ["winner", "duplicate", "late", "after-cancel", undefined] as const;
    const { all } = rollupOf(...standings.map((standing) => entry({ standing })));
    expect(all).toMatchObject({ paid: 250n, duplicate: 50n, late: 50n, afterCancel: 50n });
  });

  it("comes back from its text as it was, amounts of any size included", () => {
    const large = entry({ charge: { paid: 10n ** 20n, realtime: 1n, uncached: 0n, cacheWrites: -3n } });
    const rollup = rollupOf(entry(), large);
    expect(parseRollup(rollupText(rollup))).toEqual(rollup);
    expect(() => parseRollup("{}")).toThrow(expect.objectContaining({ name: "CorruptRecordError" }));
  });
});

describe("a rollup for some agents", () => {
  it("is what was spent on them, and says nothing of what may be of others as well", () => {
    const rollup = rollupOf(entry(), entry(), entry({ account: { agentId: "digest", lane: "bulk", label: "other" } }));
    const mine = ofAgents(rollup, ["worker", "absent"]);
    expect(mine.all).toEqual(rollupOf(entry(), entry()).all);
    expect([...mine.by.agent.keys()]).toEqual(["worker"]);
    for (const dimension of ["lane", "label", "model", "cronJob"] as const) expect(mine.by[dimension].size).toBe(0);
    expect(rollup.by.agent.size).toBe(2);
  });
});

describe("the sum of rollups", () => {
  const someEntry = fc.record({
    account: fc.record({ agentId: fc.constantFrom("a", "b"), lane: fc.constantFrom("default", "bulk") }),
    model: fc.constantFrom("m", "n"),
    paid: fc.bigInt({ min: 0n, max: 10n ** 18n }),
  });

  it("is the rollup of all their entries, however they were divided", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(someEntry, fc.nat(3)), { maxLength: 30 }), (divided) => {
        const entries = divided.map(([{ paid, ...more }]) => entry({ ...more, charge: { ...entry().charge!, paid } }));
        const parts = [0, 1, 2, 3].map((part) =>
          rollupOf(...entries.filter((_, index) => divided[index]![1] === part)),
        );
        const sum = emptyRollup();
        for (const part of parts) addRollup(sum, part);
        expect(rollupText(sum)).toBe(rollupText(rollupOf(...entries)));
      }),
    );
  });
});

describe("a rollup of very many labels", () => {
  const labeled = (count: number) =>
    rollupOf(
      ...Array.from({ length: count }, (_, index) =>
        entry({
          account: { agentId: "worker", lane: "default", label: `label-${index}` },
          charge: { paid: BigInt(index), realtime: 0n, uncached: 0n, cacheWrites: 0n },
        }),
      ),
    );

  it("keeps the dearest by themselves, and loses nothing of the others", () => {
    const rollup = labeled(maxUsageGroups + 10);
    const kept = parseRollup(rollupText(rollup));
    expect(kept.by.label.size).toBe(maxUsageGroups + 1);
    expect(kept.by.label.get(others)).toMatchObject({ results: 10, paid: 45n });
    expect(kept.all).toEqual(rollup.all);
  });

  it("is bounded while days are added up", () => {
    const sum = emptyRollup();
    addRollup(sum, labeled(3 * maxUsageGroups));
    expect(sum.by.label.size).toBe(maxUsageGroups + 1);
    expect([...sum.by.label.values()].reduce((total, { paid }) => total + paid, 0n)).toBe(sum.all.paid);
  });
});
