import * as v from "valibot";
import { openAnthropic } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { millisecondsLeft } from "../clients/lambda.ts";
import { jsonLog } from "../clients/log.ts";
import { sqsQueues } from "../clients/sqs.ts";
import { parseQueueUrls, positiveNumber, readEnvironment } from "../domain/environment.ts";
import { nameOf } from "../domain/errors.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import type { BatcherDeps } from "./deps.ts";
import { drainLane } from "./drain.ts";
import { environmentNames } from "./env.ts";
import { messageRemover } from "./receive.ts";

const eventSchema = v.object({ lane: v.string() });

/** Called every minute for each lane by itself, so that no lane waits for another's calls, failures or full quota. */
export async function handler(event: unknown, context: unknown): Promise<void> {
  const { lane: id } = v.parse(eventSchema, event);
  const room = deps();
  const lane = room.config.lanes.find((one) => one.id === id);
  if (lane === undefined) return room.log("tick_failed", { step: "drain", lane: id, error: "no such lane" });
  try {
    await drainLane(lane, { ...room, millisecondsLeft: millisecondsLeft(context) });
  } catch (error) {
    room.log("tick_failed", { step: "drain", lane: id, error: nameOf(error) });
  }
}

/** Once a cold start. */
const deps = once(() => {
  const env = readEnvironment(environmentNames, process.env);
  const store = openStore(env, {
    parkSeconds: positiveNumber("OFFPEAK_PARK_SECONDS", env("OFFPEAK_PARK_SECONDS")),
    isGrouped: true,
  });
  const queues = sqsQueues(parseQueueUrls(env("OFFPEAK_QUEUE_URLS")));
  const config = readConfigFile(env("OFFPEAK_CONFIG"));
  const rest: Omit<BatcherDeps, "millisecondsLeft" | "realtimeAtOnce"> = {
    ...store,
    config,
    queues,
    removeMessages: messageRemover(queues),
    anthropicFor: openAnthropic(env, config, store.clock),
    log: jsonLog("batcher"),
    createTimeoutSeconds: positiveNumber("OFFPEAK_CREATE_TIMEOUT_SECONDS", env("OFFPEAK_CREATE_TIMEOUT_SECONDS")),
  };
  return { ...rest, realtimeAtOnce: config.realtime.maxConcurrency };
});
