import { readConfigFile } from "../clients/config-file.ts";
import { eventBridge } from "../clients/eventbridge.ts";
import { handle, isHttpEvent } from "../clients/lambda.ts";
import { embeddedMetrics, jsonLog } from "../clients/log.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { newSecret } from "../clients/system.ts";
import { parseQueueUrls, readEnvironment } from "../domain/environment.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import { environmentNames } from "./env.ts";
import { type SessionsDeps, sessionsApp } from "./http.ts";

/** Called by API Gateway with every request that is not a spawn. */
export async function handler(event: unknown, context: unknown): Promise<unknown> {
  if (!isHttpEvent(event)) throw new Error("this function answers HTTP requests only");
  return handle(app(), event, context);
}

/** The same application, for whoever speaks HTTP itself. */
export const app = once(() => sessionsApp(deps()));

/** Once a cold start. */
const deps = once((): SessionsDeps => {
  const env = readEnvironment(environmentNames, process.env);
  const store = openStore(env);
  return {
    ...store,
    config: readConfigFile(env("OFFPEAK_CONFIG")),
    queues: sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS"))),
    events: eventBridge(env("OFFPEAK_EVENT_BUS")),
    newSecret,
    log: jsonLog("sessions"),
    metrics: embeddedMetrics(store.clock, env("OFFPEAK_METRIC_NAMESPACE")),
  };
});
