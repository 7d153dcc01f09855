import { Duration } from "aws-cdk-lib";
import { Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { alarmPeriod, RunbookAlarm } from "./runbook-alarm.ts";
import { tickSeconds } from "./timing.ts";
import type { AlarmText } from "./work-queue.ts";

/** A tick that comes late or failed is not repeated: the next one does the same work. */
export const tickInvoke = { retryAttempts: 0, maxEventAge: Duration.seconds(tickSeconds) };

/** EventBridge: targets a rule. */
const targetsPerRule = 5;

export interface TickProps {
  target: IFunction;
  /** What the function is called with: one call a minute for each; without any, one call with the rule's own event. */
  inputs?: readonly object[];
  silent: AlarmText;
  topic: ITopic;
}

/** Runs a function every minute, and says so when it does not run: no figure of its own could. */
export class Tick extends Construct {
  constructor(scope: Construct, id: string, { target, inputs, silent, topic }: TickProps) {
    super(scope, id);
    const schedule = Schedule.rate(Duration.seconds(tickSeconds));
    const calls = (inputs ?? [undefined]).map((input) =>
      input === undefined ? tickInvoke : { ...tickInvoke, event: RuleTargetInput.fromObject(input) },
    );
    for (let first = 0; first < calls.length; first += targetsPerRule) {
      const targets = calls.slice(first, first + targetsPerRule).map((call) => new LambdaFunction(target, call));
      new Rule(this, `Rule${first === 0 ? "" : first}`, { schedule, targets });
    }
    const why = "A tick that is lost is made good by the next one, a minute later; a silence has its alarm.";
    acknowledge(this, why, ["Serverless::Serverless-EventBusDLQ"]);
    acknowledge(target, why, ["Serverless::Serverless-LambdaAsyncFailureDestination"]);
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
