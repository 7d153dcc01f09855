import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { logCodes, metricNames } from "../../functions/domain/log.ts";
import { failedLoginCode } from "../../infra/authorizer.ts";
import { shareWatches, watches } from "../../infra/poller-alarms.ts";
import { longestClosedSeconds } from "../../infra/queues.ts";
import { failureCodes } from "../../infra/room-function.ts";
import { resources, synthesize } from "./support.ts";

const template = synthesize();
const alarms = resources(template, "AWS::CloudWatch::Alarm");
const runbook = readFileSync("infra/RUNBOOK.md", "utf8");
const [, alarmPart = ""] = /## Alarms\n(.*)\n## Procedures/s.exec(runbook) ?? [];
const sections = alarmPart.split(/^### /m).slice(1);
const toAnchor = (heading: string) => heading.toLowerCase().replaceAll(" ", "-");
const anchors = sections.map((section) => toAnchor(section.split("\n")[0]!));
const anchorOf = (description: string) => /infra\/RUNBOOK\.md#([a-z-]+)$/.exec(description)?.[1];

describe("every alarm", () => {
  it("has its heading in the runbook", () => {
    for (const [id, { Properties }] of alarms)
      expect([id, anchors]).toEqual([id, expect.arrayContaining([anchorOf(Properties.AlarmDescription)])]);
  });

  it("begins with whom it hurts, in a sentence", () => {
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmDescription).toMatch(/^[A-Z].{20,}\. See infra\/RUNBOOK\.md#/);
    }
  });

  it("reaches the topic when it goes off and when it is over", () => {
    const [[topic] = []] = resources(template, "AWS::SNS::Topic");
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toEqual([{ Ref: topic }]);
      expect(Properties.OKActions).toEqual([{ Ref: topic }]);
    }
  });
});

describe("every heading of the runbook", () => {
  it("is that of an alarm, and stands there once", () => {
    const used = new Set(alarms.map(([, { Properties }]) => anchorOf(Properties.AlarmDescription)));
    expect(new Set(anchors)).toEqual(used);
    expect(anchors).toHaveLength(used.size);
  });

  it("says what it means, whom it hurts, where to look and what to do", () => {
    for (const section of sections) {
      const labels = [...section.matchAll(/^- \*\*(\w+):\*\*/gm)].map(([, label]) => label);
      expect([section.split("\n")[0], labels]).toEqual([
        expect.anything(),
        ["Meaning", "Impact", "Investigate", "Resolve"],
      ]);
    }
  });

  it("links only to headings that exist", () => {
    const headings = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => toAnchor(heading!));
    for (const [, anchor] of runbook.matchAll(/\]\(#([a-z-]+)\)/g)) expect(headings).toContain(anchor);
  });
});

describe("the alarms", () => {
  it("watch only figures that the functions measure", () => {
    for (const { metricName } of [...watches, ...shareWatches]) expect(Object.keys(metricNames)).toContain(metricName);
  });

  it("count failures by codes that the functions log", () => {
    for (const code of [...failureCodes, failedLoginCode, "workspace_mismatch"]) expect(logCodes).toContain(code);
  });

  it("count a failure that a function caught, besides those that ended it", () => {
    const patterns = resources(template, "AWS::Logs::MetricFilter").map(
      ([, { Properties }]) => Properties.FilterPattern,
    );
    const counting = patterns.filter(
      (pattern) => pattern.includes('"tick_failed"') && pattern.includes('"request_failed"'),
    );
    expect(counting).toHaveLength(6);
  });

  it("let a lane wait while it is closed, and an hour more", () => {
    expect(thresholdOf("QueuesLanenight")).toBe(16 * 3600 + 600 + 3600);
    expect(longestClosedSeconds({})).toBe(0);
    expect(longestClosedSeconds({ hours: { from: 8 * 60, to: 18 * 60 } })).toBe(14 * 3600);
    expect(longestClosedSeconds({ hours: { from: 22 * 60, to: 6 * 60 } })).toBe(16 * 3600);
  });

  it("go off at the first dead letter of every dead-letter queue", () => {
    const deadLetters = alarms.filter(([id]) => id.includes("AnyDeadLetter"));
    expect(deadLetters).toHaveLength(5);
    for (const [, { Properties }] of deadLetters) expect(Properties.Threshold).toBe(1);
  });

  it("take silence of batcher and poller for a fault, and leave the figures as they were meanwhile", () => {
    const silent = alarms.filter(([id]) => id.includes("Silent"));
    expect(silent).toHaveLength(2);
    for (const [, { Properties }] of silent) expect(Properties.TreatMissingData).toBe("breaching");
    const oldest = alarms.find(([, { Properties }]) => Properties.MetricName === "oldestOpenBatchSeconds");
    expect(oldest?.[1].Properties).toMatchObject({
      Namespace: "Test",
      Threshold: 25 * 3600,
      TreatMissingData: "ignore",
    });
  });

  it("are let in by the topic's policy, which takes the place of the one that would", () => {
    const [[, policy] = []] = resources(template, "AWS::SNS::TopicPolicy");
    expect(JSON.stringify(policy?.Properties)).toContain('"Service":"cloudwatch.amazonaws.com"');
  });

  it("are mailed only where an address was given", () => {
    expect(resources(template, "AWS::SNS::Subscription")).toEqual([]);
    const mailed = synthesize({ stage: "prod", alarmEmail: "ops@example.com" });
    mailed.hasResourceProperties("AWS::SNS::Subscription", { Protocol: "email", Endpoint: "ops@example.com" });
  });

  function thresholdOf(lane: string): number {
    return alarms.find(([id]) => id.startsWith(lane) && id.includes("OldestQueued"))?.[1].Properties.Threshold;
  }
});
