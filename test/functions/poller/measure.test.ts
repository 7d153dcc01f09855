import { describe, expect, it, vi } from "vitest";
import { embeddedMetrics } from "../../../functions/clients/log.ts";
import { virtualClock } from "../../support/virtual-clock.ts";
import { testWorld } from "../../support/world.ts";

describe("the figures of a tick", () => {
  it("count what is at Anthropic, until it is settled", async () => {
    const world = testWorld();
    for (const task of ["One.", "Two.", "Three."]) await world.accept(task);
    await world.batch();
    await world.poll();
    expect(world.figures("inFlightRequests")).toEqual([3]);
    await world.ticks(60);
    expect(world.figures("inFlightRequests").at(-1)).toBe(0);
  });

  it("tell what the books have of the day, once it is summed up", async () => {
    const world = testWorld();
    const id = await world.accept();
    await world.ticks(60);
    const answer = await world.http(`/api/sessions/${id}`);
    const { cost }: { cost: Record<"totalUsd" | "savedUsd", number> } = JSON.parse(await answer.text());
    expect(world.figures("spentTodayUsd")[0]).toBe(0);
    expect(world.figures("spentTodayUsd").at(-1)).toBeCloseTo(cost.totalUsd, 12);
    expect(world.figures("savedTodayUsd").at(-1)).toBeCloseTo(cost.savedUsd, 12);
    expect(cost.savedUsd).toBeGreaterThan(0);
  });

  it("count each turn's end once, when the bus has taken it, and how it ended", async () => {
    let isAway = true;
    const world = testWorld({ isRefused: () => isAway });
    await world.accept("Done.", { agentId: "live" });
    await world.accept("[[stand-in: refusal]] No.", { agentId: "live" });
    await world.accept("[[stand-in: slow 7200]] Late.", { timeoutSeconds: 600, onDeadline: "fail" });
    const sum = (name: "endedTurns" | "failedTurns" | "missedDeadlines") =>
      world.figures(name).reduce((total, value) => total + value, 0);
    await world.ticks(20);
    expect(sum("endedTurns")).toBe(0);
    isAway = false;
    await world.ticks(20);
    expect([sum("endedTurns"), sum("failedTurns"), sum("missedDeadlines")]).toEqual([3, 1, 1]);
  });
});

describe("a line of figures", () => {
  it("names the stack's own namespace, no dimension, and the units of what it has", () => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    embeddedMetrics(virtualClock(1_000), "Offpeak-dev")({ parkedLanes: 1, settleLagSeconds: 2 });
    const [line] = write.mock.calls[0] ?? [];
    write.mockRestore();
    const { _aws, ...values } = JSON.parse(String(line));
    expect(values).toEqual({ parkedLanes: 1, settleLagSeconds: 2 });
    const Metrics = [
      { Name: "settleLagSeconds", Unit: "Seconds" },
      { Name: "parkedLanes", Unit: "Count" },
    ];
    expect(_aws).toEqual({
      Timestamp: 1_000,
      CloudWatchMetrics: [{ Namespace: "Offpeak-dev", Dimensions: [[]], Metrics }],
    });
  });
});
