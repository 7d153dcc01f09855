import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";

const emptyPauseMs = 250;

type Handler = (event: unknown) => Promise<{ batchItemFailures: readonly unknown[] }>;

/** Lambda's event source on one machine: takes a message, runs the handler, deletes the message unless it failed. */
export function pumpQueue(
  sqs: SQSClient,
  { QueueUrl, workers, handler }: { QueueUrl: string; workers: number; handler: Handler },
): { stop(): Promise<void> } {
  let isStopped = false;
  const work = async () => {
    while (!isStopped) {
      const isIdle = !(await pumpOne(sqs, QueueUrl, handler).catch(() => false));
      if (isIdle && !isStopped) await new Promise((resolve) => setTimeout(resolve, emptyPauseMs));
    }
  };
  const running = Promise.all(Array.from({ length: workers }, work));
  return {
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

async function pumpOne(sqs: SQSClient, QueueUrl: string, handler: Handler): Promise<boolean> {
  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1, MessageSystemAttributeNames: ["All"] }),
  );
  if (message?.ReceiptHandle === undefined) return false;
  const record = { messageId: message.MessageId ?? "", body: message.Body ?? "", attributes: message.Attributes };
  const { batchItemFailures } = await handler({ Records: [record] });
  if (batchItemFailures.length === 0)
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  return true;
}
