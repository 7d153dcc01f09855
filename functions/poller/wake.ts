import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { concurrency, messagesPerCall } from "../domain/limits.ts";
import { queueMessageFor, queueOf } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";
import { pageMs, type SettleBatchDeps } from "./read-results.ts";

/**
 * A primer has ended, however it did: whoever waits for it is sent now. Who is not found, or not sent in time, goes when the
 * wait is over, by rescue; so does everybody where the lane is closed or parked.
 */
export async function wakeWaiting(manifestId: string, lane: Lane, deps: SettleBatchDeps): Promise<void> {
  const { primers, lanes, sessions, clock } = deps;
  if (opensAt(lane, clock.now()) > 0 || (await lanes.parked(lane.id)) !== undefined) return;
  for await (const { members, until } of primers.waiting(manifestId)) {
    if (deps.millisecondsLeft() < pageMs) return deps.log("time_short", { manifestId });
    await deps.onPage();
    const turns = new Map(members.map(({ sessionId, turn }) => [sessionId, turn]));
    const found = await sessions.getMany([...turns.keys()]);
    // With another time it waits for something else, or was woken before.
    const held = found.sessions.filter(
      ({ sessionId, status, turn, notBefore }) =>
        status === "queued" && turn === turns.get(sessionId) && notBefore === until,
    );
    await mapConcurrently(chunksOf(held, messagesPerCall), concurrency / 4, (some) => sendNow(some, deps));
  }
}

/** The number is raised first, so that of two wakers only one sends. */
async function sendNow(held: readonly Session[], { sessions, queues }: SettleBatchDeps): Promise<void> {
  const moved = await mapConcurrently(held, held.length, (session) =>
    sessions.move("resend", session, "queued", { sendNo: session.sendNo + 1, notBefore: 0 }),
  );
  const woken = moved.flatMap((one) => (one.moved ? [one.session] : []));
  const [first] = woken;
  if (first !== undefined) await queues.send(queueOf(first), woken.map(queueMessageFor));
}
