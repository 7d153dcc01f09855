import { describe, expect, it } from "vitest";
import { functionOf, resources, synthesize } from "./support.ts";

const template = synthesize();
const rules = resources(template, "AWS::Events::Rule").map(([, { Properties }]) => Properties);
const [spawnId] = functionOf(template, "spawn");

describe("the ticks", () => {
  const ticksOf = (room: string) => {
    const [id] = functionOf(template, room);
    return rules.filter(({ Targets }) => Targets[0].Arn["Fn::GetAtt"][0] === id);
  };

  it("run the poller every minute", () => {
    expect(ticksOf("poller").map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(["rate(1 minute)"]);
  });

  it("run the batcher every minute for each lane by itself, so that no lane waits for another", () => {
    const ticks = ticksOf("batcher");
    const inputs = ticks.flatMap(({ Targets }) => Targets.map(({ Input }: { Input: string }) => Input));
    expect(inputs).toEqual(["default", "bulk", "night"].map((lane) => `{"lane":"${lane}"}`));
    expect(ticks.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(["rate(1 minute)"]);
  });
});

describe("a cron job", () => {
  it("is a rule that names the job and passes on the rule's own time", () => {
    const [rule] = rules.filter(({ ScheduleExpression }) => ScheduleExpression === "cron(0 2 * * ? *)");
    expect(rule.Targets).toHaveLength(1);
    expect(rule.Targets[0]).toMatchObject({
      Arn: { "Fn::GetAtt": [spawnId, "Arn"] },
      InputTransformer: { InputPathsMap: { time: "$.time" }, InputTemplate: '{"cronJob":"nightly","time":<time>}' },
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
    });
    expect(rule.Targets[0].DeadLetterConfig.Arn["Fn::GetAtt"][0]).toMatch(/^SpawnDeadLetters/);
  });

  it("is a rule too when it runs at intervals", () => {
    const jobs = rules.filter(({ Targets }) => JSON.stringify(Targets).includes('\\"watch\\"'));
    expect(jobs.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(["cron(0/15 * * * ? *)"]);
  });

  it("is a schedule of Scheduler's where it has a time zone, which rules do not know", () => {
    const schedules = resources(template, "AWS::Scheduler::Schedule").map(([, { Properties }]) => Properties);
    expect(schedules).toHaveLength(1);
    expect(schedules[0]).toMatchObject({
      ScheduleExpression: "cron(30 6 * * ? *)",
      ScheduleExpressionTimezone: "Europe/Berlin",
      FlexibleTimeWindow: { Mode: "OFF" },
    });
    expect(schedules[0].Target).toMatchObject({
      Arn: { "Fn::GetAtt": [spawnId, "Arn"] },
      Input: '{"cronJob":"digest","time":"<aws.scheduler.scheduled-time>"}',
    });
    expect(schedules[0].Target.DeadLetterConfig.Arn["Fn::GetAtt"][0]).toMatch(/^SpawnDeadLetters/);
  });
});

describe("an event on the bus", () => {
  it("spawns where its type says so, whoever sent it", () => {
    const [rule, ...others] = rules.filter(({ EventPattern }) => EventPattern !== undefined);
    expect(others).toEqual([]);
    expect(rule.EventPattern).toEqual({ "detail-type": ["offpeak.spawn"] });
    expect(rule.EventBusName.Ref).toMatch(/^Bus/);
    expect(rule.Targets[0].Arn["Fn::GetAtt"][0]).toBe(spawnId);
  });
});
