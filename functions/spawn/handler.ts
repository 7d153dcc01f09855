import { readConfigFile } from "../clients/config-file.ts";
import { handle, isHttpEvent } from "../clients/lambda.ts";
import { jsonLog } from "../clients/log.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { parseQueueUrls, readEnvironment } from "../domain/environment.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import { environmentNames } from "./env.ts";
import { spawnFromEvent } from "./events.ts";
import { type SpawnHttpDeps, spawnApp } from "./http.ts";

/** Called by API Gateway with a request, and by EventBridge with a cron job's minute or an event of the bus. */
export async function handler(event: unknown, context: unknown): Promise<unknown> {
  if (isHttpEvent(event)) return handle(app(), event, context);
  await spawnFromEvent(event, deps());
  return undefined;
}

/** Once a cold start. */
const deps = once((): SpawnHttpDeps => {
  const env = readEnvironment(environmentNames, process.env);
  return {
    ...openStore(env),
    config: readConfigFile(env("OFFPEAK_CONFIG")),
    queues: sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS"))),
    log: jsonLog("spawn"),
  };
});

/** Once the first bulk call. */
const depsOfMany = once((): SpawnHttpDeps => {
  const env = readEnvironment(environmentNames, process.env);
  return { ...deps(), ...openStore(env, { isGrouped: true }) };
});

/** The same application, for whoever speaks HTTP itself. */
export const app = once(() => spawnApp(deps(), depsOfMany));
