import * as v from "valibot";
import { openAnthropic } from "../clients/anthropic-by-lane.ts";
import { readConfigFile } from "../clients/config-file.ts";
import { eventBridge } from "../clients/eventbridge.ts";
import { embeddedMetrics, jsonLog } from "../clients/log.ts";
import { positiveNumber, readEnvironment } from "../domain/environment.ts";
import { nameOf } from "../domain/errors.ts";
import { once } from "../domain/once.ts";
import { openStore } from "../store/open.ts";
import { environmentNames } from "./env.ts";
import { type RealtimeDeps, runMessage } from "./run.ts";

const record = v.object({
  messageId: v.string(),
  body: v.string(),
  attributes: v.object({ ApproximateReceiveCount: v.pipe(v.string(), v.toNumber()) }),
});
const eventSchema = v.object({ Records: v.array(record) });

/** Called by the real-time queue. A record that failed comes again by itself, and only that one. */
export async function handler(event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const { Records } = v.parse(eventSchema, event);
  const failed = await Promise.all(Records.map(runRecord));
  return { batchItemFailures: failed.filter((one) => one !== undefined) };
}

/** Once a record. */
async function runRecord({
  messageId,
  body,
  attributes,
}: v.InferOutput<typeof record>): Promise<{ itemIdentifier: string } | undefined> {
  try {
    const fate = await runMessage({ body, receives: attributes.ApproximateReceiveCount }, deps());
    return fate === "done" ? undefined : { itemIdentifier: messageId };
  } catch (error) {
    deps().log("tick_failed", { step: "realtime", error: nameOf(error) });
    return { itemIdentifier: messageId };
  }
}

/** Once a cold start. */
const deps = once((): RealtimeDeps => {
  const env = readEnvironment(environmentNames, process.env);
  const store = openStore(env, { parkSeconds: positiveNumber("OFFPEAK_PARK_SECONDS", env("OFFPEAK_PARK_SECONDS")) });
  const config = readConfigFile(env("OFFPEAK_CONFIG"));
  return {
    ...store,
    config,
    events: eventBridge(env("OFFPEAK_EVENT_BUS")),
    anthropicFor: openAnthropic(env, config, store.clock),
    retrySeconds: positiveNumber("OFFPEAK_RETRY_SECONDS", env("OFFPEAK_RETRY_SECONDS")),
    random: Math.random,
    log: jsonLog("realtime"),
    metrics: embeddedMetrics(store.clock, env("OFFPEAK_METRIC_NAMESPACE")),
  };
});
