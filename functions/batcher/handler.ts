import { anthropicByLane } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { millisecondsLeft } from "../clients/lambda.ts";
import { jsonLog } from "../clients/log.ts";
import { secretsManager } from "../clients/secrets-manager.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../domain/environment.ts";
import { nameOf } from "../domain/errors.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import type { BatcherDeps } from "./deps.ts";
import { drainLane, messageRemover } from "./drain.ts";
import { environmentNames } from "./env.ts";

/** Called every minute: each lane in turn, those with the higher priority first. One lane's failure is not another's. */
export async function handler(_event: unknown, context: unknown): Promise<void> {
  const { config, ...room } = deps();
  for (const lane of config.lanes.toSorted((one, other) => other.priority - one.priority)) {
    try {
      await drainLane(lane, { ...room, millisecondsLeft: millisecondsLeft(context) });
    } catch (error) {
      room.log("tick_failed", { step: "drain", lane: lane.id, error: nameOf(error) });
    }
  }
}

/** Once a cold start. */
const deps = once(() => {
  const env = readEnvironment(environmentNames, process.env);
  const store = openStore(env, positiveNumber("OFFPEAK_PARK_SECONDS", env("OFFPEAK_PARK_SECONDS")));
  const queues = sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS")));
  const rest: Omit<BatcherDeps, "millisecondsLeft"> = {
    ...store,
    queues,
    removeMessages: messageRemover(queues),
    anthropicFor: anthropicByLane(
      secretsManager(store.clock),
      env("OFFPEAK_API_KEY_SECRET"),
      process.env["ANTHROPIC_BASE_URL"],
    ),
    log: jsonLog("batcher"),
    createTimeoutSeconds: positiveNumber("OFFPEAK_CREATE_TIMEOUT_SECONDS", env("OFFPEAK_CREATE_TIMEOUT_SECONDS")),
  };
  return { ...rest, config: readConfigFile(env("OFFPEAK_CONFIG")) };
});
