import { describe, expect, it } from "vitest";
import { fallbackLeadSeconds, minSamples, sampleDays, sampleSlots } from "../../../functions/domain/limits.ts";
import { latencyStore } from "../../../functions/store/latencies.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

function storeWith() {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  let reads = 0;
  const query: typeof table.query = (one) => {
    reads += 1;
    return table.query(one);
  };
  const open = () => latencyStore({ ...table, query }, clock, 60);
  const keep = async (lane: string, count: number, seconds: number) => {
    for (let number = 0; number < count; number += 1) {
      const sample = { at: clock.now(), typicalSeconds: seconds, slowSeconds: 2 * seconds };
      await open().record(lane, `source-${number}`, sample);
    }
  };
  return { clock, table, open, keep, reads: () => reads };
}

describe("the latencies", () => {
  it("are those of the lane, once there are enough of them", async () => {
    const { open, keep } = storeWith();
    await keep("bulk", 40, 100);
    await keep("default", minSamples - 2, 10);
    const expected = await open().expected([{ lane: "bulk" }, { lane: "default" }, { lane: "other" }]);
    expect([...expected.keys()]).toEqual(["bulk"]);
    expect(expected.get("bulk")).toMatchObject({ typicalSeconds: 100, slowSeconds: 200 });
  });

  it("take a fixed number of slots, however many are kept", async () => {
    const { table, keep } = storeWith();
    await keep("bulk", 1_000, 1);
    expect(table.items()).toHaveLength(sampleSlots);
  });

  it("replace what was kept of the same source", async () => {
    const { table, open } = storeWith();
    const sample = { at: 0, typicalSeconds: 1, slowSeconds: 1 };
    await open().record("bulk", "m", sample);
    await open().record("bulk", "m", { ...sample, at: 5 });
    expect(table.items()).toMatchObject([{ at: 5 }]);
  });

  it("are forgotten when they are old", async () => {
    const { clock, open, keep } = storeWith();
    await keep("bulk", 40, 100);
    clock.pass(sampleDays * 24 * 3_600);
    expect(await open().expected([{ lane: "bulk" }])).toEqual(new Map());
  });

  it("are read at most once a minute by one process", async () => {
    const { clock, open, keep, reads } = storeWith();
    const latencies = open();
    expect(await latencies.leadMs()).toBe(fallbackLeadSeconds * 1000);
    await keep("realtime", 40, 100);
    clock.pass(59);
    expect(await latencies.leadMs()).toBe(fallbackLeadSeconds * 1000);
    expect(reads()).toBe(1);
    clock.pass(1);
    expect(await latencies.leadMs()).toBe((1.5 * 200 + 60) * 1000);
    expect(reads()).toBe(2);
  });

  it("cost a forecast and nothing else where they cannot be read or written, or are damaged", async () => {
    const { clock, table, open } = storeWith();
    const away = () => Promise.reject(new Error("the table is away"));
    const broken = latencyStore({ ...table, put: away, query: away }, clock, 60);
    await broken.record("bulk", "m", { at: 0, typicalSeconds: 1, slowSeconds: 1 });
    expect(await broken.leadMs()).toBe(fallbackLeadSeconds * 1000);
    await table.put({ item: { pk: "LATENCY#realtime", sk: "SAMPLE#00", at: "never" }, when: [] });
    expect(await open().leadMs()).toBe(fallbackLeadSeconds * 1000);
  });
});
