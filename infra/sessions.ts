import { Construct } from "constructs";
import { environmentNames } from "../functions/sessions/env.ts";
import type { Foundation } from "./foundation.ts";
import { deployedConfigPath, RoomFunction } from "./room-function.ts";
import { metricNamespace } from "./runbook-alarm.ts";
import { tickSeconds } from "./timing.ts";

export type SessionsProps = Pick<Foundation, "configuration" | "topic" | "storage" | "queues" | "bus">;

/** ④ Reads sessions and their histories, takes them back and follows them up: the HTTP API without spawn. */
export class Sessions extends Construct {
  readonly room: RoomFunction<typeof environmentNames>;

  constructor(scope: Construct, id: string, { configuration, topic, storage, queues, bus }: SessionsProps) {
    super(scope, id);
    this.room = new RoomFunction(this, "Room", {
      room: "sessions",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_BUCKET: storage.bucket.bucketName,
        OFFPEAK_QUEUE_URLS: queues.urls(),
        OFFPEAK_CONFIG: deployedConfigPath,
        OFFPEAK_TICK_SECONDS: String(tickSeconds),
        OFFPEAK_EVENT_BUS: bus.eventBusName,
        OFFPEAK_METRIC_NAMESPACE: metricNamespace(this),
      },
      configuration,
      memoryMegabytes: 512,
      // Under the 30 seconds after which API Gateway answers for it, in a form that is not ours.
      timeoutSeconds: 25,
      errors: {
        impact: "Answers cannot be read nor sessions canceled or followed up, though none is lost.",
        heading: "sessions-errors",
      },
      topic,
    });
    storage.grant(this.room.lambda, {
      items: ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"],
      indexes: ["due", "byAgent", "byLabel"],
      bodies: ["read", "write"],
    });
    queues.grantSend(this.room.lambda);
    bus.grantPutEventsTo(this.room.lambda);
  }
}
