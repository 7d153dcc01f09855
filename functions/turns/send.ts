import type { Queues } from "../clients/sqs.ts";
import { nameOf } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import { queueMessageFor, queueOf } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";

/** The session is kept already; a queue that is away for a moment costs it a tick or two, not its acceptance. */
export async function sendOrLeaveToRescue(session: Session, queues: Queues, log: Log): Promise<void> {
  try {
    await queues.send(queueOf(session), [queueMessageFor(session)]);
  } catch (error) {
    log("queue_send_failed", { sessionId: session.sessionId, error: nameOf(error) });
  }
}
