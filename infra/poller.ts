import { Construct } from "constructs";
import { defaultParkSeconds } from "../functions/domain/limits.ts";
import { environmentNames } from "../functions/poller/env.ts";
import { boundedMemory } from "./bounded-memory.ts";
import type { Foundation } from "./foundation.ts";
import { PollerAlarms } from "./poller-alarms.ts";
import { deployedConfigPath, oneCpuMegabytes, RoomFunction } from "./room-function.ts";
import { metricNamespace } from "./runbook-alarm.ts";
import { Tick, tickInvoke } from "./tick.ts";
import { longestFunctionSeconds, reconcileGraceSeconds, retrySeconds, tickSeconds } from "./timing.ts";

/** ③ Ended batches → settled turns → delivery, every minute; and the figures of the whole by which it is watched. */
export class Poller extends Construct {
  constructor(scope: Construct, id: string, { configuration, topic, storage, queues, secrets, bus }: Foundation) {
    super(scope, id);
    const room = new RoomFunction(this, "Room", {
      room: "poller",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_BUCKET: storage.bucket.bucketName,
        OFFPEAK_QUEUE_URLS: queues.urls(),
        OFFPEAK_CONFIG: deployedConfigPath,
        OFFPEAK_TICK_SECONDS: String(tickSeconds),
        OFFPEAK_API_KEY_SECRET: secrets.apiKeyName,
        OFFPEAK_RECONCILE_GRACE_SECONDS: String(reconcileGraceSeconds),
        OFFPEAK_RETRY_SECONDS: String(retrySeconds),
        OFFPEAK_PARK_SECONDS: String(defaultParkSeconds),
        OFFPEAK_EVENT_BUS: bus.eventBusName,
        OFFPEAK_METRIC_NAMESPACE: metricNamespace(this),
      },
      configuration,
      memoryMegabytes: oneCpuMegabytes,
      runtime: boundedMemory,
      timeoutSeconds: longestFunctionSeconds,
      asyncInvoke: tickInvoke,
      errors: { impact: "Answers that are ready are delivered late.", heading: "poller-errors", periods: 3 },
      topic,
    });
    storage.grant(room.lambda, {
      items: [
        "GetItem",
        "BatchGetItem",
        "Query",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "PartiQLInsert",
        "PartiQLUpdate",
      ],
      indexes: ["due"],
      bodies: ["read", "write"],
    });
    queues.grantSend(room.lambda);
    secrets.grantReadApiKeys(room.lambda);
    bus.grantPutEventsTo(room.lambda);
    new Tick(this, "Tick", {
      target: room.lambda,
      silent: { impact: "No answer arrives, and no deadline is kept.", heading: "poller-silent" },
      topic,
    });
    new PollerAlarms(this, "Alarms", { topic, logGroup: room.logGroup });
  }
}
