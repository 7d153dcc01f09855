import { Duration } from "aws-cdk-lib";
import { Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { alarmPeriod, RunbookAlarm } from "./runbook-alarm.ts";
import { tickSeconds } from "./timing.ts";
import type { AlarmText } from "./work-queue.ts";

/** A tick that comes late or failed is not repeated: the next one does the same work. */
export const tickInvoke = { retryAttempts: 0, maxEventAge: Duration.seconds(tickSeconds) };

export interface TickProps {
  target: IFunction;
  silent: AlarmText;
  topic: ITopic;
}

/** Runs a function every minute, and says so when it does not run: no figure of its own could. */
export class Tick extends Construct {
  constructor(scope: Construct, id: string, { target, silent, topic }: TickProps) {
    super(scope, id);
    new Rule(this, "Rule", {
      schedule: Schedule.rate(Duration.seconds(tickSeconds)),
      targets: [new LambdaFunction(target, tickInvoke)],
    });
    new RunbookAlarm(this, "Silent", {
      ...silent,
      metric: target.metricInvocations({ period: alarmPeriod, statistic: Stats.SUM }),
      threshold: 1,
      below: true,
      periods: 2,
      missing: TreatMissingData.BREACHING,
      topic,
    });
  }
}
