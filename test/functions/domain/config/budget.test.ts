import { describe, expect, it } from "vitest";
import { agentOf, agents, configOf, problemsOf, withLane } from "./read.ts";

describe("a budget", () => {
  it("is of an agent, or of each agent by the defaults", () => {
    expect(agentOf({ budget: { usdPerDay: 2.5 } }).budget).toEqual({ usdPerDay: 2.5, onExceeded: "reject" });
    const defaults = { budget: { usdPerDay: 1, onExceeded: "hold" } };
    expect(agentOf({}, defaults).budget).toEqual({ usdPerDay: 1, onExceeded: "hold" });
    expect(agentOf({ budget: { usdPerTask: 0.01 } }, defaults).budget).toEqual({
      usdPerTask: 0.01,
      onExceeded: "reject",
    });
    expect(agentOf({})).not.toHaveProperty("budget");
  });

  it("is of a lane", () => {
    const { lanes } = configOf(withLane({ budget: { usdPerDay: 9, onExceeded: "warn" } }));
    expect(lanes.find(({ id }) => id === "night")?.budget).toEqual({ usdPerDay: 9, onExceeded: "warn" });
    expect(configOf({ agents }).lanes[0]).not.toHaveProperty("budget");
  });

  it.each([
    [{}, "lanes[0].budget: needs usdPerDay or usdPerTask"],
    [{ usdPerDay: 0 }, "lanes[0].budget.usdPerDay: must be dollars from 0.000001 to 1000000"],
    [{ usdPerTask: "1" }, "lanes[0].budget.usdPerTask: must be dollars from 0.000001 to 1000000"],
    [{ usdPerDay: 1, onExceeded: "stop" }, 'lanes[0].budget.onExceeded: must be "reject", "hold" or "warn"'],
    [{ usdPerDay: 1, usdPerNight: 1 }, "lanes[0].budget.usdPerNight: unknown key"],
    [5, "lanes[0].budget: must be an object"],
  ])("%j is refused with %j", (budget, problem) => {
    expect(problemsOf(withLane({ budget }))).toContain(problem);
  });
});
