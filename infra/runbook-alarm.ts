import { Duration, Stack } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct, type IConstruct } from "constructs";

/** The period of every alarm's metric; all figures are counted in its multiples. */
export const alarmPeriod = Duration.minutes(5);

/**
 * Where the figures of one stack are, by its own name, which no other of the account has in a region: of two stages each has
 * its alarms. Without dimensions, which would make each figure one a room.
 */
export function metricNamespace(scope: IConstruct): string {
  return Stack.of(scope).stackName;
}

export interface RunbookAlarmProps {
  /** What somebody who waits for an answer notices, as a sentence. */
  impact: string;
  /** The anchor of its heading in `RUNBOOK.md`, which a test looks up. */
  heading: string;
  /** Over `alarmPeriod`, or a multiple of it. */
  metric: IMetric;
  /** The alarm goes off at this value and above, or, where `below` is set, under it. */
  threshold: number;
  below?: boolean;
  /** For this many periods in a row; 1 unless given. */
  periods?: number;
  /** What a period without a figure means; "not wrong", unless given. */
  missing?: TreatMissingData;
  topic: ITopic;
}

/** An alarm that says whom it hurts and where to read on: without either it does not compile. */
export class RunbookAlarm extends Construct {
  constructor(scope: Construct, id: string, props: RunbookAlarmProps) {
    super(scope, id);
    const { impact, heading, metric, threshold, topic, below = false, periods = 1 } = props;
    const action = new SnsAction(topic);
    const alarm = new Alarm(this, "Alarm", {
      alarmDescription: `${impact} See infra/RUNBOOK.md#${heading}`,
      metric,
      threshold,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}
