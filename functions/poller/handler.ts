import { anthropicByLane } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { eventBridge } from "../clients/eventbridge.ts";
import { millisecondsLeft } from "../clients/lambda.ts";
import { embeddedMetrics, jsonLog } from "../clients/log.ts";
import { secretsManager } from "../clients/secrets-manager.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { newUlid, systemClock } from "../clients/system.ts";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../domain/environment.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import type { PollerDeps } from "./deps.ts";
import { environmentNames } from "./env.ts";
import { tick } from "./tick.ts";

/** Called every minute. */
export async function handler(_event: unknown, context: unknown): Promise<void> {
  await tick({ ...deps(), millisecondsLeft: millisecondsLeft(context) });
}

/** Once a cold start. */
const deps = once((): Omit<PollerDeps, "millisecondsLeft"> => {
  const env = readEnvironment(environmentNames, process.env);
  const clock = systemClock;
  const tickSeconds = positiveNumber("OFFPEAK_TICK_SECONDS", env("OFFPEAK_TICK_SECONDS"));
  const store = openStore({
    tableName: env("OFFPEAK_TABLE"),
    bucketName: env("OFFPEAK_BUCKET"),
    tickSeconds,
    parkSeconds: positiveNumber("OFFPEAK_PARK_SECONDS", env("OFFPEAK_PARK_SECONDS")),
    clock,
    newId: newUlid,
  });
  return {
    ...store,
    config: readConfigFile(env("OFFPEAK_CONFIG")),
    queues: sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS"))),
    events: eventBridge(env("OFFPEAK_EVENT_BUS")),
    anthropicFor: anthropicByLane(
      secretsManager(clock),
      env("OFFPEAK_API_KEY_SECRET"),
      process.env["ANTHROPIC_BASE_URL"],
    ),
    reconcileGraceSeconds: positiveNumber("OFFPEAK_RECONCILE_GRACE_SECONDS", env("OFFPEAK_RECONCILE_GRACE_SECONDS")),
    retrySeconds: positiveNumber("OFFPEAK_RETRY_SECONDS", env("OFFPEAK_RETRY_SECONDS")),
    tickSeconds,
    clock,
    random: Math.random,
    log: jsonLog("poller"),
    metrics: embeddedMetrics(clock),
  };
});
