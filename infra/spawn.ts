import { Duration } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { Construct } from "constructs";
import { environmentNames } from "../functions/spawn/env.ts";
import { acknowledgeWildcard } from "./acknowledge.ts";
import type { Foundation } from "./foundation.ts";
import { deployedConfigPath, RoomFunction } from "./room-function.ts";
import { ScheduledSpawn } from "./scheduled-spawn.ts";
import { tickSeconds } from "./timing.ts";
import { DeadLetters } from "./work-queue.ts";

export type SpawnProps = Pick<Foundation, "configuration" | "topic" | "storage" | "queues" | "bus">;

/** ① Everything that may accept a task: the HTTP call, the bus, and the cron jobs of the configuration. */
export class Spawn extends Construct {
  readonly room: RoomFunction<typeof environmentNames>;

  constructor(scope: Construct, id: string, props: SpawnProps) {
    super(scope, id);
    const { configuration, storage, queues, bus, topic } = props;
    const { queue: deadLetterQueue } = new DeadLetters(this, "DeadLetters", {
      impact: "A cron job's task or an offpeak.spawn event was not accepted and will not run.",
      heading: "spawn-dead-letters",
      topic,
    });
    this.room = new RoomFunction(this, "Room", {
      room: "spawn",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_BUCKET: storage.bucket.bucketName,
        OFFPEAK_QUEUE_URLS: queues.urls(),
        OFFPEAK_CONFIG: deployedConfigPath,
        OFFPEAK_TICK_SECONDS: String(tickSeconds),
      },
      configuration,
      memoryMegabytes: 512,
      timeoutSeconds: 15,
      asyncInvoke: { retryAttempts: 2, maxEventAge: Duration.hours(6), onFailure: new SqsDestination(deadLetterQueue) },
      errors: { impact: "Tasks are refused that should be accepted.", heading: "spawn-errors" },
      topic,
    });
    storage.grant(this.room.lambda, {
      items: ["GetItem", "Query", "PutItem", "UpdateItem", "PartiQLInsert"],
      bodies: ["read", "write"],
    });
    queues.grantSend(this.room.lambda);
    // By detail type alone: whoever may put events on the bus may spawn, and our own events have another type.
    new Rule(this, "OnBusEvent", {
      eventBus: bus,
      eventPattern: { detailType: ["offpeak.spawn"] },
      targets: [new LambdaFunction(this.room.lambda, { deadLetterQueue })],
    });
    const reason =
      "Scheduler calls this one function; CDK's grant names its versions as well, of which there are none.";
    acknowledgeWildcard(this.room.lambda, ":*", reason);
    for (const job of configuration.config.jobs) {
      new ScheduledSpawn(this, `Cron-${job.id}`, { job, target: this.room.lambda, deadLetterQueue });
    }
  }
}
