import type { Queues, Received } from "../clients/sqs.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { concurrency, messagesPerCall } from "../domain/limits.ts";
import type { BatcherDeps } from "./deps.ts";

/** Receive calls that run side by side; an empty answer of one does not mean the queue is empty. */
const receivers = 4;

/** Never more than that: what is received and not sent is hidden for long, and nearer to being set aside. */
export async function receiveUpTo(
  most: number,
  queue: string,
  { queues }: Pick<BatcherDeps, "queues">,
): Promise<Received[]> {
  const received: Received[] = [];
  for (;;) {
    const left = most - received.length;
    const calls = Math.min(receivers, Math.ceil(left / messagesPerCall));
    if (calls <= 0) return received;
    const answers = await Promise.all(
      Array.from({ length: calls }, (_, call) =>
        queues.receive(queue, Math.min(messagesPerCall, left - call * messagesPerCall)),
      ),
    );
    received.push(...answers.flat());
    if (answers.every((answer) => answer.length === 0)) return received;
  }
}

/** Deletes messages, ten a call. One that stays comes again, and is dropped then. */
export function messageRemover(queues: Queues): BatcherDeps["removeMessages"] {
  return async (queue, handles) => {
    await mapConcurrently(chunksOf(handles, messagesPerCall), concurrency, (some) => queues.remove(queue, some));
  };
}
