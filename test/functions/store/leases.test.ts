import { describe, expect, it } from "vitest";
import { leaseStore } from "../../../functions/store/leases.ts";
import { countingIds } from "../../support/chance.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

function open() {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  const leases = leaseStore(table, clock, countingIds());
  /** Tries for the lease without doing anything. */
  const isFree = (name = "poller") => leases.hold(name, 60, async () => {});
  return { clock, table, leases, isFree };
}

describe("a lease", () => {
  it("lets work run, and is free afterwards", async () => {
    const { leases, isFree } = open();
    let ran = 0;
    const work = async () => {
      ran += 1;
    };
    expect(await leases.hold("poller", 60, work)).toBe(true);
    expect(await leases.hold("poller", 60, work)).toBe(true);
    expect(ran).toBe(2);
    expect(await isFree()).toBe(true);
  });

  it("keeps another out while somebody works, and no other work than that", async () => {
    const { leases, isFree } = open();
    const answers: boolean[] = [];
    await leases.hold("poller", 60, async () => void answers.push(await isFree(), await isFree("batcher/default")));
    expect(answers).toEqual([false, true]);
  });

  it("is given to one of many that ask at once", async () => {
    const { leases } = open();
    let ran = 0;
    const pause = Promise.withResolvers<void>();
    const work = () => {
      ran += 1;
      return pause.promise;
    };
    const all = Array.from({ length: 5 }, () => leases.hold("poller", 60, work));
    await Promise.all(Array.from({ length: 20 }, () => Promise.resolve()));
    pause.resolve();
    expect((await Promise.all(all)).filter(Boolean)).toHaveLength(1);
    expect(ran).toBe(1);
  });

  it("is free when work fails, and the failure is told", async () => {
    const { leases, isFree } = open();
    await expect(leases.hold("poller", 60, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await isFree()).toBe(true);
  });

  it("of a holder that died ends by itself", async () => {
    const { clock, leases, isFree } = open();
    void leases.hold("poller", 60, () => new Promise(() => {}));
    await Promise.resolve();
    clock.pass(59.999);
    expect(await isFree()).toBe(false);
    clock.pass(0.001);
    expect(await isFree()).toBe(true);
  });

  it("lasts as long as it is renewed, and is written only now and then", async () => {
    const { clock, table, leases, isFree } = open();
    const untils = new Set<unknown>();
    await leases.hold("poller", 60, async (renew) => {
      for (let step = 0; step < 30; step += 1) {
        clock.pass(10);
        await renew();
        expect(await isFree()).toBe(false);
        untils.add((await table.get({ pk: "LEASE", sk: "poller" }))?.["until"]);
      }
    });
    expect(untils.size).toBe(15 + 1);
  });

  it("that was taken over is neither renewed nor ended by its first holder", async () => {
    const { clock, leases, isFree } = open();
    const second = Promise.withResolvers<void>();
    await leases.hold("poller", 60, async (renew) => {
      clock.pass(61);
      void leases.hold("poller", 60, () => second.promise);
      await new Promise(setImmediate);
      await renew();
    });
    expect(await isFree()).toBe(false);
    clock.pass(61);
    expect(await isFree()).toBe(true);
    second.resolve();
  });
});
