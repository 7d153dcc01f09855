import { openAnthropic } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { eventBridge } from "../clients/eventbridge.ts";
import { millisecondsLeft } from "../clients/lambda.ts";
import { embeddedMetrics, jsonLog } from "../clients/log.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../domain/environment.ts";
import { newsFilter } from "../domain/news.ts";
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
  const store = openStore(env, {
    parkSeconds: positiveNumber("OFFPEAK_PARK_SECONDS", env("OFFPEAK_PARK_SECONDS")),
    isGrouped: true,
  });
  const config = readConfigFile(env("OFFPEAK_CONFIG"));
  return {
    ...store,
    config,
    queues: sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS"))),
    events: eventBridge(env("OFFPEAK_EVENT_BUS")),
    anthropicFor: openAnthropic(env, config, store.clock),
    reconcileGraceSeconds: positiveNumber("OFFPEAK_RECONCILE_GRACE_SECONDS", env("OFFPEAK_RECONCILE_GRACE_SECONDS")),
    retrySeconds: positiveNumber("OFFPEAK_RETRY_SECONDS", env("OFFPEAK_RETRY_SECONDS")),
    random: Math.random,
    log: jsonLog("poller"),
    metrics: embeddedMetrics(store.clock, env("OFFPEAK_METRIC_NAMESPACE")),
    isNews: newsFilter(),
  };
});
