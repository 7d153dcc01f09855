import { describe, expect, it } from "vitest";
import { laneStore } from "../../../functions/store/lanes.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const parkSeconds = 300;

function open() {
  const clock = virtualClock();
  const lanes = laneStore(memoryTable({ clock }), clock, parkSeconds);
  const stay = async (reason = "rate_limit", retryAfterSeconds?: number) => {
    const { until } = await lanes.park("default", reason, retryAfterSeconds);
    return (until - clock.now()) / 1000;
  };
  return { clock, lanes, stay };
}

describe("a lane", () => {
  it("is not parked until somebody parks it, and then says why and since when", async () => {
    const { clock, lanes } = open();
    expect(await lanes.parked("default")).toBeUndefined();
    const since = clock.now();
    await lanes.park("default", "credit");
    expect(await lanes.parked("default")).toEqual({ reason: "credit", since, until: since + 300_000, seconds: 300 });
    expect(await lanes.parked("bulk")).toBeUndefined();
  });

  it("stays twice as long each time, up to an hour, and still says since when", async () => {
    const { clock, lanes, stay } = open();
    const since = clock.now();
    const stays = [];
    for (let time = 0; time < 6; time += 1) {
      stays.push(await stay());
      clock.pass(stays.at(-1) ?? 0);
    }
    expect(stays).toEqual([300, 600, 1_200, 2_400, 3_600, 3_600]);
    expect(await lanes.parked("default")).toMatchObject({ since });
  });

  it("counts several refusals of one tick as one stay", async () => {
    const { clock, stay } = open();
    expect([await stay(), await stay(), await stay()]).toEqual([300, 300, 300]);
    clock.pass(300);
    expect(await stay()).toBe(600);
  });

  it("waits as long as it is told to, where that is longer", async () => {
    expect(await open().stay("rate_limit", 900)).toBe(900);
    expect(await open().stay("rate_limit", 5)).toBe(300);
  });

  it("remains parked once the stay is over, until it resumes: the next create is a probe", async () => {
    const { clock, lanes, stay } = open();
    await stay();
    clock.pass(10_000);
    expect(await lanes.parked("default")).toMatchObject({ reason: "rate_limit" });
    await lanes.resume("default", (await lanes.parked("default"))!);
    expect(await lanes.parked("default")).toBeUndefined();
    expect(await stay()).toBe(300);
  });

  it("remembers when it last formed batches", async () => {
    const { clock, lanes } = open();
    expect(await lanes.flushedAt("default")).toBe(0);
    await lanes.noteFlush("default");
    clock.pass(60);
    expect(await lanes.flushedAt("default")).toBe(clock.now() - 60_000);
    const parked = await lanes.park("default", "credit");
    await lanes.resume("default", parked);
    expect(await lanes.flushedAt("default")).toBe(clock.now() - 60_000);
  });
});
