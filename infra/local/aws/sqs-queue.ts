import * as v from "valibot";
import { AwsFault, parseInput } from "./protocol.ts";
import type { QueueStore } from "./sqs-store.ts";

/** A queue is found by the last part of its URL alone: the port is another one at every start. */
export const queueUrl = v.pipe(v.string(), v.regex(/\/[A-Za-z0-9_-]{1,80}$/));

export type Queue = NonNullable<ReturnType<QueueStore["queue"]>>;

export function find(store: QueueStore, name: string): Queue {
  const queue = store.queue(name);
  if (queue !== undefined) return queue;
  const queryCode = "AWS.SimpleQueueService.NonExistentQueue";
  throw new AwsFault("QueueDoesNotExist", "The specified queue does not exist.", { queryCode });
}

export function findByUrl(store: QueueStore, url: string): Queue {
  return find(store, url.slice(url.lastIndexOf("/") + 1));
}

export function parse<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  return parseInput(schema, input, "InvalidParameterValue");
}
