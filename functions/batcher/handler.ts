import { anthropicByLane } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { millisecondsLeft } from "../clients/lambda.ts";
import { jsonLog } from "../clients/log.ts";
import { secretsManager } from "../clients/secrets-manager.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { newUlid, systemClock } from "../clients/system.ts";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../domain/environment.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import type { BatcherDeps } from "./deps.ts";
import { drainLane, messageRemover } from "./drain.ts";
import { environmentNames } from "./env.ts";

/** Called every minute: each lane in turn, those with the higher priority first. One lane's failure is not another's. */
export async function handler(_event: unknown, context: unknown): Promise<void> {
  const { config, ...once } = deps();
  for (const lane of config.lanes.toSorted((one, other) => other.priority - one.priority)) {
    try {
      await drainLane(lane, { ...once, millisecondsLeft: millisecondsLeft(context) });
    } catch (error) {
      once.log("tick_failed", { step: "drain", lane: lane.id, error: error instanceof Error ? error.name : "unknown" });
    }
  }
}

/** Once a cold start. */
const deps = once(() => {
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
  const queues = sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS")));
  const rest: Omit<BatcherDeps, "millisecondsLeft"> = {
    ...store,
    queues,
    removeMessages: messageRemover(queues),
    anthropicFor: anthropicByLane(
      secretsManager(clock),
      env("OFFPEAK_API_KEY_SECRET"),
      process.env["ANTHROPIC_BASE_URL"],
    ),
    clock,
    newId: newUlid,
    tickSeconds,
    log: jsonLog("batcher"),
    createTimeoutSeconds: positiveNumber("OFFPEAK_CREATE_TIMEOUT_SECONDS", env("OFFPEAK_CREATE_TIMEOUT_SECONDS")),
  };
  return { ...rest, config: readConfigFile(env("OFFPEAK_CONFIG")) };
});
