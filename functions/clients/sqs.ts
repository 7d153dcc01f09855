import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { messagesPerCall } from "../domain/limits.ts";
import type { QueueMessage } from "../domain/queue-message.ts";
import { NotTakenError } from "./away.ts";
import { boundedRequests } from "./request-handler.ts";

export interface Received {
  body: string;
  /** What the queue needs to delete this receipt of the message. */
  handle: string;
  /** How often it has been received, this time included. */
  receives: number;
}

/** Pointers to work, at least once and in no order. A queue is named by its lane, or `realtime`. */
export interface Queues {
  /** Up to 10 in one call. Rejects unless every message was taken. */
  send(queue: string, messages: readonly QueueMessage[]): Promise<void>;
  /** At most so many, and at most `messagesPerCall`; possibly none although some are there. */
  receive(queue: string, most?: number): Promise<Received[]>;
  /** Up to 10 in one call. One that could not be deleted comes again, and is then dropped as no longer current. */
  remove(queue: string, handles: readonly string[]): Promise<void>;
}

/** A queue that this configuration does not know: its lane was removed. */
export class UnknownQueueError extends Error {
  constructor(queue: string) {
    super(`no queue for lane ${queue}`);
    this.name = "UnknownQueueError";
  }
}

/** @param urls queue URLs by lane, and `realtime` */
export function sqsQueues(urls: ReadonlyMap<string, string>): Queues {
  const client = new SQSClient({
    maxAttempts: 5,
    requestHandler: boundedRequests(30_000),
  });
  const urlOf = (queue: string): string => {
    const url = urls.get(queue);
    if (url === undefined) throw new UnknownQueueError(queue);
    return url;
  };
  return {
    async send(queue, messages) {
      const Entries = messages.map((message, index) => ({ Id: String(index), MessageBody: JSON.stringify(message) }));
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: urlOf(queue), Entries }));
      const [failed] = Failed;
      if (failed !== undefined)
        throw new NotTakenError(`${Failed.length} messages were not taken: ${failed.Code ?? "?"}`);
    },
    async receive(queue, most = messagesPerCall) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: urlOf(queue),
          MaxNumberOfMessages: Math.min(most, messagesPerCall),
          WaitTimeSeconds: 0,
          MessageSystemAttributeNames: ["ApproximateReceiveCount"],
        }),
      );
      return Messages.flatMap(({ Body, ReceiptHandle, Attributes }) =>
        ReceiptHandle === undefined
          ? []
          : [{ body: Body ?? "", handle: ReceiptHandle, receives: Number(Attributes?.ApproximateReceiveCount ?? "1") }],
      );
    },
    async remove(queue, handles) {
      const Entries = handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl: urlOf(queue), Entries }));
    },
  };
}
