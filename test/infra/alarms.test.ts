import { describe, expect, it } from "vitest";
import type { Metrics } from "../../functions/domain/log.ts";
import { metricNames } from "../../functions/domain/log.ts";
import { type TestWorld, testWorld, type WorldOptions } from "../support/world.ts";
import { type Sample, statesOf } from "./alarm-states.ts";
import { type Resource, resources, synthesize } from "./support.ts";

const template = synthesize();
const alarms = resources(template, "AWS::CloudWatch::Alarm");
const [minute, hour] = [60, 3600];

/** The alarm of a figure that the functions measure. */
function alarmOn(metric: string): Resource {
  const isOn = ([, { Properties }]: [string, Resource]) =>
    Properties.MetricName === metric || JSON.stringify(Properties.Metrics ?? "").includes(`"MetricName":"${metric}"`);
  const [found, ...others] = alarms.filter(isOn);
  if (found === undefined || others.length > 0) throw new Error(`${others.length} more alarms on ${metric}`);
  return found[1];
}

describe("an alarm on what the functions measure", () => {
  /** A world whose figures are kept with their times. */
  function watched(options: WorldOptions = {}) {
    const world = testWorld(options);
    const startedAt = world.clock.now();
    const samples: Sample[] = [];
    const metrics: Metrics = (values) => {
      const atSeconds = (world.clock.now() - startedAt) / 1000;
      for (const [metric, value] of Object.entries(values)) samples.push({ metric, atSeconds, value });
    };
    const seconds = () => (world.clock.now() - startedAt) / 1000;
    const minutes = async (count: number) => {
      for (let passed = 0; passed < count; passed += 1) {
        await world.batch();
        await world.workRealtime({ metrics });
        await world.poll({ metrics });
        world.pass(minute);
      }
    };
    const states = (metric: string) => statesOf(alarmOn(metric), samples, seconds());
    return { world, minutes, states };
  }
  const accept = async (world: TestWorld, task: string, more: Record<string, unknown> = {}, count = 12) => {
    for (let index = 0; index < count; index += 1) await world.accept(task, more);
  };
  const watchedFigures = [
    "oldestOpenBatchSeconds",
    "settleLagSeconds",
    "parkedLanes",
    "undeliveredSeconds",
    "quarantinedLines",
    "lostResults",
    "failedTurns",
    "missedDeadlines",
  ];

  it("stays quiet through a night in which all goes well", async () => {
    const { world, minutes, states } = watched();
    await accept(world, "Report.");
    await minutes(45);
    await accept(world, "Report.", { agentId: "live" });
    await minutes(30);
    for (const metric of watchedFigures) expect([metric, new Set(states(metric))]).toEqual([metric, new Set(["OK"])]);
  });

  it("goes off while a lane is parked for a quarter of an hour, and calms down when it is open again", async () => {
    const { world, minutes, states } = watched();
    world.api.faults.set({ kind: "unauthorized", on: "create" });
    await accept(world, "Report.");
    await minutes(40);
    expect(states("parkedLanes").at(-1)).toBe("ALARM");
    world.api.faults.clear();
    await minutes(90);
    expect(states("parkedLanes").at(-1)).toBe("OK");
  });

  it("goes off while nobody takes what is told", async () => {
    const { world, minutes, states } = watched({ isRefused: () => true });
    await accept(world, "Report.", { agentId: "live" });
    await minutes(10);
    expect(states("undeliveredSeconds")).not.toContain("ALARM");
    await minutes(20);
    expect(states("undeliveredSeconds")).toContain("ALARM");
  });

  it("goes off when a batch that has ended is not settled", async () => {
    const { world, minutes, states } = watched();
    await accept(world, "Report.");
    await minutes(2);
    world.api.faults.set({ kind: "not_found", on: "results" });
    await minutes(60);
    expect(states("settleLagSeconds").at(-1)).toBe("ALARM");
  });

  it("goes off when a batch is open for longer than one can be", async () => {
    const { world, minutes, states } = watched();
    world.api.faults.set({ kind: "list_missing", on: "list" });
    world.api.faults.set({ kind: "not_found", on: "retrieve" });
    await accept(world, "Report.");
    await minutes(2);
    world.pass(24 * hour);
    await minutes(6);
    expect(states("oldestOpenBatchSeconds")).not.toContain("ALARM");
    world.pass(hour);
    await minutes(6);
    expect(states("oldestOpenBatchSeconds").at(-1)).toBe("ALARM");
  });

  it("goes off at a line that is nobody's, and at results that are lost", async () => {
    const { world, minutes, states } = watched();
    world.api.faults.set({ kind: "foreign_line", on: "results", times: 1, index: 0 });
    await accept(world, "Report.");
    await minutes(60);
    expect(states("quarantinedLines")).toContain("ALARM");
    expect(states("lostResults")).not.toContain("ALARM");
    await accept(world, "Another report.");
    world.api.faults.set({ kind: "not_found", on: "results" });
    await minutes(60);
    world.pass(72 * hour);
    await minutes(6);
    expect(states("lostResults")).toContain("ALARM");
  });

  it("goes off when one turn in five fails, and not at one of many", async () => {
    const calm = watched();
    await accept(calm.world, "Report.", {}, 30);
    await accept(calm.world, "[[stand-in: refusal]] Report.", {}, 3);
    await calm.minutes(60);
    expect(calm.states("failedTurns")).not.toContain("ALARM");
    const sick = watched();
    await accept(sick.world, "Report.", {}, 12);
    await accept(sick.world, "[[stand-in: refusal]] Report.", {}, 4);
    await sick.minutes(60);
    expect(sick.states("failedTurns")).toContain("ALARM");
    expect(sick.states("missedDeadlines")).not.toContain("ALARM");
  });

  it("goes off when one turn in five misses its deadline", async () => {
    const { world, minutes, states } = watched({ batchSeconds: { min: 7_200, max: 7_200 } });
    await accept(world, "Report.", { timeoutSeconds: 600, onDeadline: "fail" });
    await minutes(45);
    expect(states("missedDeadlines")).toContain("ALARM");
    expect(states("failedTurns")).not.toContain("ALARM");
  });

  it("is there for each figure that something is wrong with, and every figure is on the dashboard", () => {
    const [[, dashboard] = []] = resources(template, "AWS::CloudWatch::Dashboard");
    const body = JSON.stringify(dashboard?.Properties.DashboardBody);
    for (const name of Object.keys(metricNames)) expect(body).toContain(name);
    for (const name of watchedFigures) expect(alarmOn(name)).toBeDefined();
  });
});

describe("an alarm on what AWS or a log counts", () => {
  /** Values of five minutes each. */
  const cases: { alarm: RegExp; metric: string; bad: number[]; good: number[] }[] = [
    {
      alarm: /Lane(default|bulk).*OldestQueued/,
      metric: "ApproximateAgeOfOldestMessage",
      bad: [2 * hour],
      good: [50 * minute],
    },
    { alarm: /Lanenight.*OldestQueued/, metric: "ApproximateAgeOfOldestMessage", bad: [18 * hour], good: [16 * hour] },
    { alarm: /Realtime.*OldestQueued/, metric: "ApproximateAgeOfOldestMessage", bad: [hour], good: [15 * minute] },
    { alarm: /AnyDeadLetter/, metric: "ApproximateNumberOfMessagesVisible", bad: [1], good: [0] },
    { alarm: /^(Spawn|Sessions|Authorizer)RoomErrors/, metric: "Errors", bad: [1], good: [0] },
    { alarm: /^(Batcher|Realtime|Poller)RoomErrors/, metric: "Errors", bad: [1, 1, 1], good: [5, 0, 5] },
    { alarm: /Silent/, metric: "Invocations", bad: [0, 0], good: [5, 1] },
    { alarm: /workspaceMismatches/, metric: "workspaceMismatches", bad: [1], good: [0] },
    { alarm: /corruptRecords/, metric: "corruptRecords", bad: [1], good: [0] },
    { alarm: /Guessing/, metric: "failedLogins", bad: [100], good: [99] },
  ];
  const found = cases.flatMap(({ alarm, ...one }) =>
    alarms.filter(([id]) => alarm.test(id)).map(([id, resource]) => ({ id, resource, ...one })),
  );
  const run = (resource: Resource, metric: string, values: readonly number[]) => {
    const samples = values.map((value, index) => ({ metric, atSeconds: index * 5 * minute, value }));
    return statesOf(resource, samples, values.length * 5 * minute).at(-1);
  };

  it.each(found)("goes off at what is bad, and not at what is not ($id)", ({ resource, metric, bad, good }) => {
    expect(run(resource, metric, bad)).toBe("ALARM");
    expect(run(resource, metric, good)).toBe("OK");
  });

  it("goes off where ticks stop altogether, and for no other silence", () => {
    for (const { id, resource } of found)
      expect([id, statesOf(resource, [], 20 * minute).at(-1)]).toEqual([id, id.includes("Silent") ? "ALARM" : "OK"]);
  });

  it("goes off at failures that a function caught and logged", () => {
    for (const room of ["spawn", "batcher", "poller"]) {
      const [, resource] = alarms.find(([id]) => id.toLowerCase().startsWith(`${room}roomerrors`))!;
      const samples = [0, 1, 2].flatMap((period) => [
        { metric: "Errors", atSeconds: period * 300, value: 0 },
        { metric: `${room}Failures`, atSeconds: period * 300, value: 2 },
      ]);
      expect(statesOf(resource, samples, 900).at(-1)).toBe("ALARM");
    }
  });

  it("leaves out no alarm", () => {
    const figures = Object.keys(metricNames);
    const measured = alarms.filter(([, { Properties }]) =>
      figures.some((name) => JSON.stringify([Properties.MetricName, Properties.Metrics]).includes(`"${name}"`)),
    );
    expect(new Set([...found, ...measured.map(([id]) => ({ id }))].map(({ id }) => id)).size).toBe(alarms.length);
  });
});

describe("two stages in one account", () => {
  it("have figures, alarms and dashboards of their own", () => {
    const namespaces = resources(template, "AWS::Logs::MetricFilter").map(
      ([, { Properties }]) => Properties.MetricTransformations[0].MetricNamespace,
    );
    expect(new Set(namespaces)).toEqual(new Set(["Test"]));
    for (const metric of ["settleLagSeconds", "parkedLanes"]) expect(alarmOn(metric).Properties.Namespace).toBe("Test");
    const told = ["poller", "realtime", "sessions"].map((room) => {
      const [, { Properties }] = resources(template, "AWS::Lambda::Function").find(([id]) =>
        id.toLowerCase().startsWith(`${room}room`),
      )!;
      return Properties.Environment.Variables.OFFPEAK_METRIC_NAMESPACE;
    });
    expect(told).toEqual(["Test", "Test", "Test"]);
  });
});

describe("every log group", () => {
  it("forgets after a month", () => {
    const groups = resources(template, "AWS::Logs::LogGroup");
    expect(groups.length).toBeGreaterThan(6);
    for (const [id, { Properties }] of groups) expect([id, Properties.RetentionInDays]).toEqual([id, 30]);
  });
});
