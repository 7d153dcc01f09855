import { Duration, TimeZone } from "aws-cdk-lib";
import { EventField, Rule, Schedule as RuleSchedule, RuleTargetInput } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { ContextAttribute, Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type CronJob, cronToEventBridge, everyToEventBridge } from "../functions/domain/config/index.ts";

/** Longer than a task of a minute's rhythm can matter, and as long as EventBridge and Scheduler ever try. */
const delivery = { retryAttempts: 185, maxEventAge: Duration.hours(24) };

export interface ScheduledSpawnProps {
  job: CronJob;
  target: IFunction;
  deadLetterQueue: IQueue;
}

/**
 * Fires one cron job: a rule where it follows UTC, the only time that rules know, and Scheduler where it has a time zone.
 * Either passes on the time at which it was due, since the job's idempotency key is made from that minute.
 */
export class ScheduledSpawn extends Construct {
  constructor(scope: Construct, id: string, { job, target, deadLetterQueue }: ScheduledSpawnProps) {
    super(scope, id);
    const { schedule } = job;
    const options = { ...delivery, deadLetterQueue };
    if (schedule.kind === "cron" && schedule.tz !== "UTC") {
      new Schedule(this, "Schedule", {
        schedule: ScheduleExpression.expression(cronToEventBridge(schedule.expr), TimeZone.of(schedule.tz)),
        target: new LambdaInvoke(target, {
          ...options,
          input: ScheduleTargetInput.fromObject({ cronJob: job.id, time: ContextAttribute.scheduledTime }),
        }),
      });
      return;
    }
    const expression =
      schedule.kind === "cron" ? cronToEventBridge(schedule.expr) : everyToEventBridge(schedule.seconds);
    new Rule(this, "Rule", {
      schedule: RuleSchedule.expression(expression),
      targets: [
        new LambdaFunction(target, {
          ...options,
          event: RuleTargetInput.fromObject({ cronJob: job.id, time: EventField.time }),
        }),
      ],
    });
  }
}
