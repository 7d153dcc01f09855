import type { Queues } from "../clients/sqs.ts";
import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { nameOf } from "../domain/errors.ts";
import { concurrency, messagesPerCall } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import { queueMessageFor, queueOf } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";

/** The sessions are kept already; a queue that is away for a moment costs them a tick or two, not their acceptance. */
export async function sendOrLeaveToRescue(sessions: readonly Session[], queues: Queues, log: Log): Promise<void> {
  const calls = [...Map.groupBy(sessions, queueOf)].flatMap(([queue, some]) =>
    chunksOf(some, messagesPerCall).map((ten) => ({ queue, ten })),
  );
  await mapConcurrently(calls, concurrency, async ({ queue, ten }) => {
    try {
      await queues.send(queue, ten.map(queueMessageFor));
    } catch (error) {
      for (const { sessionId } of ten) log("queue_send_failed", { sessionId, error: nameOf(error) });
    }
  });
}
