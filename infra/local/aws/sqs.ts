import * as v from "valibot";
import { type LocalServer, serve } from "./http.ts";
import { AwsFault, account, answerJson, type Operation } from "./protocol.ts";
import { checkAttributes, describeQueue, invalid } from "./sqs-attributes.ts";
import { find, findByUrl, parse, queueUrl } from "./sqs-queue.ts";
import { openQueueStore, type QueueStore } from "./sqs-store.ts";
import { messageOperations, openBell } from "./sqs-traffic.ts";

export type SqsDeps = { now: () => number; newId: () => string; log: (line: string) => void };

const onQueue = v.object({ QueueUrl: queueUrl });
const named = v.object({ QueueName: v.string() });
const attributesInput = v.optional(v.record(v.string(), v.string()), {});
const names = v.optional(v.array(v.string()), []);

/**
 * SQS standard queues on disk, over AWS JSON 1.0. Redrive, delays, long polls and batches behave as documented. FIFO queues,
 * tags, policies and message-move tasks are not emulated; neither are duplicates, reordering and short polls that miss.
 * What somebody held when the last run ended is visible at once: on one machine, its holder has ended too.
 */
export async function startSqs(path: string, deps: SqsDeps): Promise<LocalServer> {
  const store = openQueueStore(path, { now: deps.now, newReceipt: deps.newId });
  store.endReceipts();
  const traffic = { store, bell: openBell(), now: deps.now, newId: deps.newId };
  const operations = new Map([...queueOperations(store), ...messageOperations(traffic)]);
  const service = { target: "AmazonSQS", version: "1.0", operations } as const;
  const server = await serve((request) => answerJson(request, service), deps.log);
  return { url: server.url, close: () => server.close().finally(() => store.close()) };
}

function queueOperations(store: QueueStore): [string, Operation][] {
  const exists = (name: string) => store.queue(name) !== undefined;
  const urlOf = (name: string, origin: string) => `${origin}/${account}/${name}`;
  return [
    [
      "CreateQueue",
      (input, { origin }) => {
        const { QueueName, Attributes } = parse(v.object({ ...named.entries, Attributes: attributesInput }), input);
        if (!/^[A-Za-z0-9_-]{1,80}$/.test(QueueName)) {
          throw invalid(
            "QueueName",
            QueueName,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
          );
        }
        checkAttributes(Attributes, exists);
        const current = store.queue(QueueName)?.attributes;
        const differs = Object.entries(Attributes).some(
          ([name, value]) => current !== undefined && current[name] !== value,
        );
        if (differs) {
          const message = "A queue already exists with the same name and a different value for an attribute";
          throw new AwsFault("QueueNameExists", message, { queryCode: "QueueAlreadyExists" });
        }
        if (current === undefined) store.putQueue(QueueName, Attributes);
        return { QueueUrl: urlOf(QueueName, origin) };
      },
    ],
    [
      "GetQueueUrl",
      (input, { origin }) => ({ QueueUrl: urlOf(find(store, parse(named, input).QueueName).name, origin) }),
    ],
    [
      "ListQueues",
      (input, { origin }) => {
        const { QueueNamePrefix: prefix } = parse(v.object({ QueueNamePrefix: v.optional(v.string(), "") }), input);
        const listed = store.queues().filter(({ name }) => name.startsWith(prefix));
        return { QueueUrls: listed.map(({ name }) => urlOf(name, origin)) };
      },
    ],
    [
      "GetQueueAttributes",
      (input) => {
        const { QueueUrl, AttributeNames } = parse(v.object({ QueueUrl: queueUrl, AttributeNames: names }), input);
        const queue = findByUrl(store, QueueUrl);
        return { Attributes: describeQueue(queue, store.counts(queue.name), AttributeNames) };
      },
    ],
    [
      "SetQueueAttributes",
      (input) => {
        const { QueueUrl, Attributes } = parse(v.object({ QueueUrl: queueUrl, Attributes: attributesInput }), input);
        const queue = findByUrl(store, QueueUrl);
        checkAttributes(Attributes, exists);
        store.putQueue(queue.name, { ...queue.attributes, ...Attributes });
      },
    ],
    ["DeleteQueue", (input) => store.deleteQueue(findByUrl(store, parse(onQueue, input).QueueUrl).name)],
    ["PurgeQueue", (input) => store.purge(findByUrl(store, parse(onQueue, input).QueueUrl).name)],
  ];
}
