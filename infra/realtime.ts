import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import { defaultParkSeconds } from "../functions/domain/limits.ts";
import { environmentNames } from "../functions/realtime/env.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Foundation } from "./foundation.ts";
import { deployedConfigPath, RoomFunction } from "./room-function.ts";
import { metricNamespace } from "./runbook-alarm.ts";
import { realtimeFunctionSeconds, retrySeconds, tickSeconds } from "./timing.ts";

/** ②' The real-time queue → the Messages API, one session a run. */
export class Realtime extends Construct {
  constructor(scope: Construct, id: string, { configuration, topic, storage, queues, secrets, bus }: Foundation) {
    super(scope, id);
    const room = new RoomFunction(this, "Room", {
      room: "realtime",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_BUCKET: storage.bucket.bucketName,
        OFFPEAK_CONFIG: deployedConfigPath,
        OFFPEAK_TICK_SECONDS: String(tickSeconds),
        OFFPEAK_API_KEY_SECRET: secrets.apiKeyName,
        OFFPEAK_RETRY_SECONDS: String(retrySeconds),
        OFFPEAK_PARK_SECONDS: String(defaultParkSeconds),
        OFFPEAK_EVENT_BUS: bus.eventBusName,
        OFFPEAK_METRIC_NAMESPACE: metricNamespace(this),
      },
      configuration,
      memoryMegabytes: 512,
      timeoutSeconds: realtimeFunctionSeconds,
      errors: {
        impact: "Real-time sessions and fallbacks are answered late.",
        heading: "realtime-errors",
        periods: 3,
      },
      topic,
    });
    storage.grant(room.lambda, {
      items: ["GetItem", "Query", "PutItem", "UpdateItem"],
      bodies: ["read", "write"],
    });
    secrets.grantReadApiKeys(room.lambda);
    bus.grantPutEventsTo(room.lambda);
    room.lambda.addEventSource(
      new SqsEventSource(queues.realtime, {
        batchSize: 1,
        reportBatchItemFailures: true,
        // Capped, so that real-time work neither uses up the account's functions nor Anthropic's limits.
        maxConcurrency: configuration.config.realtime.maxConcurrency,
      }),
    );
    acknowledge(room.lambda, "A queue's event source has no such destination: the queue has its dead letters.", [
      "Serverless::Serverless-LambdaEventSourceMappingDestination",
    ]);
  }
}
