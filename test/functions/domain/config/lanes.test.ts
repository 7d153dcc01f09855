import { describe, expect, it } from "vitest";
import { builtInLanes } from "../../../../functions/domain/config/index.ts";
import { agents, configOf, problemsOf, withLane } from "./read.ts";

describe("lanes", () => {
  it("default and bulk exist without being written, bulk behind default and in bigger batches", () => {
    const { lanes } = configOf({ agents });
    expect(lanes).toEqual(builtInLanes);
    const [standard, bulk] = lanes;
    expect(bulk!.priority).toBeLessThan(standard!.priority);
    expect(bulk!.maxBatchRequests).toBeGreaterThan(standard!.maxBatchRequests);
  });

  it("stay together within what Anthropic's lowest tier queues, with one more beside them", () => {
    const { lanes } = configOf(withLane({}));
    const sum = lanes.reduce((total, { maxInFlightRequests }) => total + maxInFlightRequests, 0);
    expect(sum).toBeLessThanOrEqual(200_000);
  });

  it("that are written replace the keys they name, and keep the rest", () => {
    const { lanes } = configOf({ agents, lanes: [{ id: "bulk", priority: 5 }] });
    expect(lanes.find(({ id }) => id === "bulk")).toEqual({ ...builtInLanes[1], priority: 5 });
    expect(lanes).toHaveLength(2);
  });

  it("keep their hours as minutes, and as they were written", () => {
    const lane = configOf(withLane({ hours: "22:00-06:30", tz: "Europe/Berlin" })).lanes.at(-1);
    expect(lane).toMatchObject({
      id: "night",
      tz: "Europe/Berlin",
      hours: { from: 1320, to: 390, text: "22:00-06:30" },
    });
    expect(configOf(withLane({ hours: "18:00-24:00" })).lanes.at(-1)).toMatchObject({
      hours: { from: 1080, to: 1440 },
    });
  });

  it("without hours are always open", () => {
    expect(configOf(withLane({})).lanes.at(-1)).not.toHaveProperty("hours");
  });

  it("can be chosen by agents, before or after they are written", () => {
    expect(
      configOf({ agents: { list: [{ id: "a", lane: "night" }] }, lanes: [{ id: "night" }] }).agents[0]!.lane.id,
    ).toBe("night");
  });

  it.each([
    [{ id: "a_b" }, "lanes[0].id: must match ^[a-z0-9][a-z0-9-]{0,39}$, since queues are named by it"],
    [{ id: "a".repeat(41) }, "lanes[0].id: must match ^[a-z0-9][a-z0-9-]{0,39}$, since queues are named by it"],
    [{ id: "realtime" }, 'lanes[0].id: must not be "realtime", the name of the queue of real-time work'],
    [{ hours: "22-6" }, "lanes[0].hours: must be two times of day such as 22:00-06:00"],
    [{ hours: "24:00-06:00" }, "lanes[0].hours: must be two times of day such as 22:00-06:00"],
    [{ hours: "06:00-06:00" }, "lanes[0].hours: must not close at the minute at which it opens"],
    [{ maxBatchRequests: 100_001 }, "lanes[0].maxBatchRequests: must be an integer from 1 to 100000"],
    [{ maxBatchBytes: 256_000_000 }, "lanes[0].maxBatchBytes: must be an integer from 1 to 250000000"],
    [{ deadlineSeconds: 0 }, "lanes[0].deadlineSeconds: must be an integer from 1 to 2592000"],
    [{ onBatchUnavailable: "wait" }, 'lanes[0].onBatchUnavailable: must be "hold" or "realtime"'],
    [{ onDeadline: "hold" }, 'lanes[0].onDeadline: must be "wait", "fallback" or "fail"'],
    [{ maxAttempts: 0 }, "lanes[0].maxAttempts: must be an integer from 1 to 10"],
    [{ prio: 1 }, "lanes[0].prio: unknown key"],
  ])("%j: %s", (keys, problem) => {
    expect(problemsOf(withLane(keys))).toEqual([problem]);
  });

  it("have ids of their own", () => {
    expect(problemsOf({ agents, lanes: [{ id: "bulk" }, { id: "bulk" }] })).toEqual([
      'lanes[1].id: "bulk" is the id of lanes[0] already',
    ]);
  });
});
