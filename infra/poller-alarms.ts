import { Duration } from "aws-cdk-lib";
import { MathExpression, Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, type ILogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { batchLifeSeconds } from "../functions/domain/limits.ts";
import { alarmPeriod, metricNamespace, RunbookAlarm, type RunbookAlarmProps } from "./runbook-alarm.ts";

type Watch = Pick<RunbookAlarmProps, "impact" | "heading" | "threshold" | "periods" | "missing"> & {
  metricName: string;
  statistic: string;
};

/** While the poller is silent a figure stands as it was: its own alarm tells of the silence, and these must not calm down. */
const missing = TreatMissingData.IGNORE;

export const watches: readonly Watch[] = [
  {
    metricName: "oldestOpenBatchSeconds",
    statistic: Stats.MAXIMUM,
    // A batch ends within a day; the hour is for reading it.
    threshold: batchLifeSeconds + 3600,
    heading: "oldest-open-batch",
    impact: "Sessions of a batch are without an answer although a day has passed.",
    missing,
  },
  {
    metricName: "settleLagSeconds",
    statistic: Stats.MAXIMUM,
    // One whole run of the poller: what one run did not settle, the next one should have.
    threshold: 900,
    heading: "settle-lag",
    impact: "Answers are ready at Anthropic and not yet in their sessions.",
    missing,
  },
  {
    metricName: "parkedLanes",
    // The minimum over three periods: a lane that is back within a quarter of an hour wakes nobody.
    statistic: Stats.MINIMUM,
    threshold: 1,
    periods: 3,
    heading: "parked-lane",
    impact: "The tasks of a lane wait, since Anthropic refuses its batches: key, credit, spend limit or rate.",
    missing,
  },
  {
    metricName: "undeliveredSeconds",
    statistic: Stats.MAXIMUM,
    threshold: 900,
    heading: "undelivered",
    impact: "Turns have ended, and whoever listens on the bus has not been told.",
    missing,
  },
  {
    metricName: "quarantinedLines",
    statistic: Stats.SUM,
    threshold: 1,
    heading: "quarantined-lines",
    impact: "A result could not be read, so its session has no answer yet.",
  },
  {
    metricName: "lostResults",
    statistic: Stats.SUM,
    threshold: 1,
    heading: "lost-results",
    impact: "Sessions have failed because their results can no longer be fetched; they may have been paid for.",
  },
];

type LoggedWatch = Pick<RunbookAlarmProps, "impact" | "heading"> & { id: string; code: string; metricName: string };

/** No figures but log codes: what is only known where it is met, and told of again until it is put right. */
const loggedWatches: readonly LoggedWatch[] = [
  {
    id: "WorkspaceMismatch",
    // Which workspace a key belongs to is only known when Anthropic answers.
    code: "workspace_mismatch",
    metricName: "workspaceMismatches",
    heading: "workspace-mismatch",
    impact: "Sessions of a batch wait, since the key that is there now cannot see whether the batch exists.",
  },
  {
    id: "RecordCorrupt",
    code: "record_corrupt",
    metricName: "corruptRecords",
    heading: "corrupt-records",
    impact: "A session or a batch cannot be read in the table, and waits until somebody has put it right.",
  },
];

type ShareWatch = Pick<RunbookAlarmProps, "impact" | "heading"> & { metricName: string };

/** Long enough for an hour's few turns to say something, and short enough to be told of a bad night during it. */
const sharePeriod = Duration.minutes(15);
/** Of fewer turns than these no share says anything. */
const fewestEnds = 10;
const worstShare = 0.2;

/** Shares of all turns that ended, whoever ended them. */
export const shareWatches: readonly ShareWatch[] = [
  {
    metricName: "failedTurns",
    heading: "failed-turns",
    impact: "One turn in five or more has failed: callers get an error where they wait for an answer.",
  },
  {
    metricName: "missedDeadlines",
    heading: "missed-deadlines",
    impact: "One turn in five or more has ended without an answer, since its deadline passed.",
  },
];

export interface PollerAlarmsProps {
  topic: ITopic;
  logGroup: ILogGroup;
}

/** The alarms on what the poller measures of the whole, once a tick. */
export class PollerAlarms extends Construct {
  constructor(scope: Construct, id: string, { topic, logGroup }: PollerAlarmsProps) {
    super(scope, id);
    const namespace = metricNamespace(this);
    for (const { metricName, statistic, ...alarm } of watches) {
      const metric = new Metric({ namespace, metricName, statistic, period: alarmPeriod });
      new RunbookAlarm(this, metricName, { ...alarm, metric, topic });
    }
    const sumOf = (metricName: string) =>
      new Metric({ namespace, metricName, statistic: Stats.SUM, period: sharePeriod });
    for (const { metricName, ...alarm } of shareWatches) {
      const metric = new MathExpression({
        expression: `IF(ended >= ${fewestEnds}, part / ended, 0)`,
        period: sharePeriod,
        usingMetrics: { part: sumOf(metricName), ended: sumOf("endedTurns") },
      });
      new RunbookAlarm(this, metricName, { ...alarm, metric, threshold: worstShare, topic });
    }
    for (const { id, code, metricName, ...alarm } of loggedWatches) {
      const filter = new MetricFilter(this, id, {
        logGroup,
        filterPattern: FilterPattern.stringValue("$.code", "=", code),
        metricNamespace: namespace,
        metricName,
      });
      const metric = filter.metric({ statistic: Stats.SUM, period: alarmPeriod });
      new RunbookAlarm(this, metricName, { ...alarm, metric, threshold: 1, topic });
    }
  }
}
