import { Duration } from "aws-cdk-lib";
import { Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { alarmPeriod, RunbookAlarm } from "./runbook-alarm.ts";

/** Shorter than the dead letters' time, which counts on from when a message was first sent. */
const messageDays = 4;
/** The longest SQS keeps a message. */
const deadLetterDays = 14;

/** What an alarm says besides its figures. */
export interface AlarmText {
  impact: string;
  heading: string;
}

export interface DeadLettersProps extends AlarmText {
  topic: ITopic;
}

/** Where messages and events end that could not be handled; one is enough for its alarm. */
export class DeadLetters extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: DeadLettersProps) {
    super(scope, id);
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(deadLetterDays),
    });
    acknowledge(this.queue, "It is the end of the way itself: the first message in it sets off its alarm.", [
      "AwsSolutions::AwsSolutions-SQS3",
      "Serverless::Serverless-SQSRedrivePolicy",
      "cdk-validator-cfnguard::sqs_dlq_check",
    ]);
    new RunbookAlarm(this, "AnyDeadLetter", {
      ...props,
      metric: this.queue.metricApproximateNumberOfMessagesVisible({ period: alarmPeriod, statistic: Stats.MAXIMUM }),
      threshold: 1,
    });
  }
}

export interface WorkQueueProps {
  visibilitySeconds: number;
  /** Received this often and still there, a message becomes a dead letter. */
  maxReceives: number;
  deadLetters: AlarmText;
  oldest: AlarmText & { afterSeconds: number };
  topic: ITopic;
}

/** A queue of pointers to work, its dead letters, and the alarms of both. */
export class WorkQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    const { visibilitySeconds, maxReceives, oldest, topic } = props;
    const { queue: deadLetterQueue } = new DeadLetters(this, "DeadLetters", { ...props.deadLetters, topic });
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(messageDays),
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: maxReceives },
    });
    new RunbookAlarm(this, "OldestQueued", {
      impact: oldest.impact,
      heading: oldest.heading,
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: alarmPeriod, statistic: Stats.MAXIMUM }),
      threshold: oldest.afterSeconds,
      topic,
    });
  }
}
