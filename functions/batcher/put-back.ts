import { mapConcurrently } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import { concurrency } from "../domain/limits.ts";
import type { Waiting } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";

/**
 * What was received and is not sent after all: rescue sends it again when it may go. Left hidden in the queue, it would
 * come nearer to being set aside with each such visit, and come back at a time of its own.
 */
export async function putBack(
  waiting: readonly Waiting[],
  notBefore: number,
  lane: Lane,
  { sessions, clock, tickSeconds, removeMessages }: BatcherDeps,
): Promise<void> {
  const at = Math.max(notBefore, clock.now() + tickSeconds * 1000);
  await mapConcurrently(waiting, concurrency, ({ session }) =>
    sessions.move("resend", session, "queued", { notBefore: at }),
  );
  await removeMessages(
    lane.id,
    waiting.flatMap(({ handles }) => handles),
  );
}
