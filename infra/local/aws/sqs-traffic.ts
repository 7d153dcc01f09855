import * as v from "valibot";
import { AwsFault, type Operation } from "./protocol.ts";
import { invalid, numericAttribute, queueArn, redriveOf } from "./sqs-attributes.ts";
import { acceptMessage, describeMessage, messageBytes, parseHandle, sendFields } from "./sqs-messages.ts";
import { findByUrl, parse, type Queue, queueUrl } from "./sqs-queue.ts";
import type { QueueStore } from "./sqs-store.ts";

/** A standard queue's limits: SQS developer guide, "Amazon SQS message quotas". */
const maxBatchEntries = 10;
const maxBatchBytes = 1_048_576;
const maxWaitSeconds = 20;
const maxVisibilitySeconds = 43_200;

const names = v.optional(v.array(v.string()), []);
const deleteFields = { ReceiptHandle: v.string() };
const visibilityFields = { ReceiptHandle: v.string(), VisibilityTimeout: v.number() };
const sendInput = v.object({ QueueUrl: queueUrl, ...sendFields });
const sendEntry = v.object({ Id: v.string(), ...sendFields });
const deleteInput = v.object({ QueueUrl: queueUrl, ...deleteFields });
const deleteEntry = v.object({ Id: v.string(), ...deleteFields });
const visibilityInput = v.object({ QueueUrl: queueUrl, ...visibilityFields });
const visibilityEntry = v.object({ Id: v.string(), ...visibilityFields });
const receiveInput = v.object({
  QueueUrl: queueUrl,
  MaxNumberOfMessages: v.optional(v.number(), 1),
  WaitTimeSeconds: v.optional(v.number()),
  VisibilityTimeout: v.optional(v.number()),
  AttributeNames: names,
  MessageSystemAttributeNames: names,
  MessageAttributeNames: names,
});

type Traffic = { store: QueueStore; bell: Bell; now: () => number; newId: () => string };
type Bell = ReturnType<typeof openBell>;

/** Every operation on messages, by the name SQS gives it. */
export function messageOperations(traffic: Traffic): [string, Operation][] {
  const { store } = traffic;
  return [
    ["SendMessage", (input) => sendOne(parse(sendInput, input), traffic)],
    ["SendMessageBatch", (input) => sendMany(parseBatch(sendEntry, input, store), traffic)],
    ["ReceiveMessage", (input, { signal }) => receive(parse(receiveInput, input), traffic, signal)],
    [
      "DeleteMessage",
      (input) => {
        const entry = parse(deleteInput, input);
        remove(findByUrl(store, entry.QueueUrl), entry, traffic);
      },
    ],
    [
      "DeleteMessageBatch",
      (input) => {
        const { queue, entries } = parseBatch(deleteEntry, input, store);
        return entryByEntry(entries, (entry) => remove(queue, entry, traffic));
      },
    ],
    [
      "ChangeMessageVisibility",
      (input) => {
        const entry = parse(visibilityInput, input);
        changeVisibility(findByUrl(store, entry.QueueUrl), entry, traffic);
      },
    ],
    [
      "ChangeMessageVisibilityBatch",
      (input) => {
        const { queue, entries } = parseBatch(visibilityEntry, input, store);
        return entryByEntry(entries, (entry) => changeVisibility(queue, entry, traffic));
      },
    ],
  ];
}

function sendOne(entry: v.InferOutput<typeof sendInput>, { store, bell, now, newId }: Traffic) {
  const queue = findByUrl(store, entry.QueueUrl);
  const { stored, answer } = acceptMessage(entry, queue.attributes, { now: now(), id: newId() });
  store.send(queue.name, [stored]);
  bell.ring(queue.name);
  return answer;
}

function sendMany(
  batch: { queue: Queue; entries: v.InferOutput<typeof sendEntry>[] },
  { store, bell, now, newId }: Traffic,
) {
  const bytes = batch.entries.reduce((sum, entry) => sum + messageBytes(entry), 0);
  if (bytes > maxBatchBytes) {
    const message = `Batch requests cannot be longer than ${maxBatchBytes} bytes. You have sent ${bytes} bytes.`;
    throw batchFault("BatchRequestTooLong", message);
  }
  const { Successful: accepted, Failed } = entryByEntry(batch.entries, (entry) =>
    acceptMessage(entry, batch.queue.attributes, { now: now(), id: newId() }),
  );
  store.send(
    batch.queue.name,
    accepted.map(({ stored }) => stored),
  );
  bell.ring(batch.queue.name);
  return { Successful: accepted.map(({ Id, answer }) => ({ Id, ...answer })), Failed };
}

async function receive(input: v.InferOutput<typeof receiveInput>, traffic: Traffic, gone: AbortSignal) {
  const { store, bell, now } = traffic;
  const queue = findByUrl(store, input.QueueUrl);
  const max = within("MaxNumberOfMessages", input.MaxNumberOfMessages, 1, 10);
  const initialWait = numericAttribute(queue.attributes, "ReceiveMessageWaitTimeSeconds");
  const waitSeconds = within("WaitTimeSeconds", input.WaitTimeSeconds ?? initialWait, 0, maxWaitSeconds);
  const initialVisibility = numericAttribute(queue.attributes, "VisibilityTimeout");
  const visibility = within("VisibilityTimeout", input.VisibilityTimeout ?? initialVisibility, 0, maxVisibilitySeconds);
  const wanted = {
    system: [...input.AttributeNames, ...input.MessageSystemAttributeNames],
    custom: input.MessageAttributeNames,
  };
  const until = now() + waitSeconds * 1000;
  while (!gone.aborted) {
    const messages = takeVisible(queue, { max, visibilityMs: visibility * 1000 }, traffic);
    if (messages.length > 0) return { Messages: messages.map((row) => describeMessage(row, wanted)) };
    const waitMs = Math.min(until, store.nextVisibleAt(queue.name) ?? until) - now();
    if (now() >= until) return {};
    await bell.heard(queue.name, Math.max(waitMs, 1), gone);
  }
  return {};
}

function takeVisible(queue: Queue, ask: { max: number; visibilityMs: number }, { store, bell }: Traffic) {
  const redrive = redriveOf(queue.attributes);
  const retentionMs = numericAttribute(queue.attributes, "MessageRetentionPeriod") * 1000;
  const source = queueArn(queue.name);
  const { received, moved } = store.receive(queue.name, {
    ...ask,
    retentionMs,
    redrive: redrive && { ...redrive, source },
  });
  if (moved && redrive !== undefined) bell.ring(redrive.deadLetterQueue);
  return received;
}

function remove(queue: Queue, { ReceiptHandle }: { ReceiptHandle: string }, { store }: Traffic) {
  const { id, receipt } = parseHandle(ReceiptHandle);
  store.remove(queue.name, id, receipt);
  return {};
}

function changeVisibility(queue: Queue, entry: { ReceiptHandle: string; VisibilityTimeout: number }, traffic: Traffic) {
  const { store, bell, now } = traffic;
  const seconds = within("VisibilityTimeout", entry.VisibilityTimeout, 0, maxVisibilitySeconds);
  const { id, receipt } = parseHandle(entry.ReceiptHandle);
  const message = store.message(queue.name, id);
  if (message === undefined) {
    throw invalid(
      "ReceiptHandle",
      entry.ReceiptHandle,
      "Message does not exist or is not available for visibility timeout change.",
    );
  }
  if (message.receipt !== receipt || message.visible_at <= now()) {
    throw batchFault("MessageNotInflight", "The specified message isn't in flight.");
  }
  store.hideUntil(id, now() + seconds * 1000);
  bell.ring(queue.name);
  return {};
}

/** Parses a batch and refuses, as a whole, what SQS refuses as a whole. */
function parseBatch<E extends { Id: string }>(entry: v.GenericSchema<unknown, E>, input: unknown, store: QueueStore) {
  const { QueueUrl, Entries: entries } = parse(v.object({ QueueUrl: queueUrl, Entries: v.array(entry) }), input);
  const queue = findByUrl(store, QueueUrl);
  if (entries.length === 0) throw batchFault("EmptyBatchRequest", "There should be at least one entry in the request.");
  if (entries.length > maxBatchEntries) {
    const message = `Maximum number of entries per request are ${maxBatchEntries}. You have sent ${entries.length}.`;
    throw batchFault("TooManyEntriesInBatchRequest", message);
  }
  const bad = entries.find(({ Id }) => !/^[A-Za-z0-9_-]{1,80}$/.test(Id));
  if (bad !== undefined) throw batchFault("InvalidBatchEntryId", `${bad.Id} is not a batch entry id.`);
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) {
    throw batchFault("BatchEntryIdsNotDistinct", "Two entries of the batch have the same id.");
  }
  return { queue, entries };
}

/** One bad entry fails alone: the call answers 200 and says which. */
function entryByEntry<E extends { Id: string }, T extends object>(entries: readonly E[], work: (entry: E) => T) {
  const Successful: (T & { Id: string })[] = [];
  const Failed: { Id: string; Code: string; Message: string; SenderFault: true }[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ ...work(entry), Id: entry.Id });
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

function batchFault(code: string, message: string): AwsFault {
  return new AwsFault(code, message, { queryCode: `AWS.SimpleQueueService.${code}` });
}

function within(parameter: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(parameter, value, `Must be between ${min} and ${max}, if provided.`);
}

/** Wakes the long polls of a queue when something may have arrived. */
export function openBell() {
  const sleepers = new Map<string, Set<() => void>>();
  return {
    ring(queue: string): void {
      for (const wake of sleepers.get(queue) ?? []) wake();
    },
    heard(queue: string, atMostMs: number, gone: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const here = sleepers.get(queue) ?? new Set();
        sleepers.set(queue, here);
        const wake = () => {
          here.delete(wake);
          clearTimeout(timer);
          gone.removeEventListener("abort", wake);
          resolve();
        };
        const timer = setTimeout(wake, atMostMs);
        gone.addEventListener("abort", wake);
        here.add(wake);
      });
    },
  };
}
