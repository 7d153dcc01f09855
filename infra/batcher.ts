import { Construct } from "constructs";
import { environmentNames } from "../functions/batcher/env.ts";
import { defaultParkSeconds } from "../functions/domain/limits.ts";
import { boundedMemory } from "./bounded-memory.ts";
import type { Foundation } from "./foundation.ts";
import { deployedConfigPath, oneCpuMegabytes, RoomFunction } from "./room-function.ts";
import { Tick, tickInvoke } from "./tick.ts";
import { createTimeoutSeconds, longestFunctionSeconds, tickSeconds } from "./timing.ts";

export type BatcherProps = Omit<Foundation, "bus">;

/** ② Lanes' queues → manifests → Message Batches: every minute, each lane by a call of its own. */
export class Batcher extends Construct {
  constructor(scope: Construct, id: string, { configuration, topic, storage, queues, secrets }: BatcherProps) {
    super(scope, id);
    // Without reserved concurrency: leases keep two ticks apart, and a young account has only ten runs to share.
    const room = new RoomFunction(this, "Room", {
      room: "batcher",
      environmentNames,
      environment: {
        OFFPEAK_TABLE: storage.table.tableName,
        OFFPEAK_BUCKET: storage.bucket.bucketName,
        OFFPEAK_QUEUE_URLS: queues.urls(),
        OFFPEAK_CONFIG: deployedConfigPath,
        OFFPEAK_TICK_SECONDS: String(tickSeconds),
        OFFPEAK_API_KEY_SECRET: secrets.apiKeyName,
        OFFPEAK_CREATE_TIMEOUT_SECONDS: String(createTimeoutSeconds),
        OFFPEAK_PARK_SECONDS: String(defaultParkSeconds),
      },
      configuration,
      memoryMegabytes: oneCpuMegabytes,
      runtime: boundedMemory,
      timeoutSeconds: longestFunctionSeconds,
      asyncInvoke: tickInvoke,
      errors: { impact: "Accepted tasks wait in their lanes.", heading: "batcher-errors", periods: 3 },
      topic,
    });
    storage.grant(room.lambda, {
      items: ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "PartiQLUpdate"],
      indexes: ["due"],
      bodies: ["read"],
    });
    queues.grantDrain(room.lambda);
    queues.grantReroute(room.lambda);
    secrets.grantReadApiKeys(room.lambda);
    new Tick(this, "Tick", {
      target: room.lambda,
      inputs: configuration.config.lanes.map(({ id: lane }) => ({ lane })),
      silent: { impact: "Nothing is sent to Anthropic; accepted tasks wait.", heading: "batcher-silent" },
      topic,
    });
  }
}
