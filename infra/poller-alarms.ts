import { Metric, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
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

export interface PollerAlarmsProps {
  topic: ITopic;
  logGroup: ILogGroup;
}

/** The alarms on what the poller measures of the whole, once a tick. */
export class PollerAlarms extends Construct {
  constructor(scope: Construct, id: string, { topic, logGroup }: PollerAlarmsProps) {
    super(scope, id);
    for (const { metricName, statistic, ...alarm } of watches) {
      const metric = new Metric({ namespace: metricNamespace, metricName, statistic, period: alarmPeriod });
      new RunbookAlarm(this, metricName, { ...alarm, metric, topic });
    }
    this.watchWorkspaces({ topic, logGroup });
    this.watchRecords({ topic, logGroup });
  }

  /** No figure but a log code: which workspace a key belongs to is only known when Anthropic answers. */
  private watchWorkspaces({ topic, logGroup }: PollerAlarmsProps): void {
    const filter = new MetricFilter(this, "WorkspaceMismatch", {
      logGroup,
      filterPattern: FilterPattern.stringValue("$.code", "=", "workspace_mismatch"),
      metricNamespace,
      metricName: "workspaceMismatches",
    });
    new RunbookAlarm(this, "workspaceMismatches", {
      metric: filter.metric({ statistic: Stats.SUM, period: alarmPeriod }),
      threshold: 1,
      heading: "workspace-mismatch",
      impact: "Sessions of a batch wait, since the key that is there now cannot see whether the batch exists.",
      topic,
    });
  }

  /** Whatever cannot be read is met by the poller sooner or later, and told of again until it is put right. */
  private watchRecords({ topic, logGroup }: PollerAlarmsProps): void {
    const filter = new MetricFilter(this, "RecordCorrupt", {
      logGroup,
      filterPattern: FilterPattern.stringValue("$.code", "=", "record_corrupt"),
      metricNamespace,
      metricName: "corruptRecords",
    });
    new RunbookAlarm(this, "corruptRecords", {
      metric: filter.metric({ statistic: Stats.SUM, period: alarmPeriod }),
      threshold: 1,
      heading: "corrupt-records",
      impact: "A session or a batch cannot be read in the table, and waits until somebody has put it right.",
      topic,
    });
  }
}
