import { mapConcurrently } from "../domain/concurrently.ts";
import { concurrency, maxDuePerTick, minFallbackLeadSeconds } from "../domain/limits.ts";
import { queueMessageFor, realtimeQueue } from "../domain/queue-message.ts";
import { deadlineWhy, takenRealtime } from "../domain/routing.ts";
import { deadlineActionAt, type Session } from "../domain/session.ts";
import { deliver } from "../turns/deliver.ts";
import { noteDeparture } from "../turns/departure.ts";
import type { PollerDeps } from "./deps.ts";
import { countFailure, readSound } from "./due.ts";
import { headOf } from "./head.ts";

/** Deadlines come after settling in the same tick, so that a result that is there already wins. */
export async function sweepDeadlines(deps: PollerDeps): Promise<void> {
  const { sessions, clock } = deps;
  const leadMs = await deps.latencies.leadMs();
  const overdue = new Set(await sessions.due("deadline", clock.now(), maxDuePerTick));
  // What was entered while calls seemed quicker is due sooner than its entry says.
  const growthMs = Math.max(0, leadMs - minFallbackLeadSeconds * 1000);
  const soon = await sessions.due("deadline", clock.now() + growthMs, maxDuePerTick);
  const found = await readSound([...overdue, ...soon], deps);
  const ended = await mapConcurrently(found, concurrency, async (session) => {
    try {
      const actionAt = deadlineActionAt(session, leadMs);
      if (actionAt !== undefined && actionAt <= clock.now()) return await applyPolicy(session, actionAt, deps);
      if (overdue.has(session.sessionId)) await lookLater(session, actionAt, deps);
      return undefined;
    } catch (error) {
      await countFailure("deadline", session, error, deps);
      return undefined;
    }
  });
  await deliver(
    ended.filter((session) => session !== undefined),
    deps,
  );
}

/**
 * Entered while calls seemed slower, or by somebody who did not know that its fallback was over: then nobody but this sweep
 * would ever look at it. Were such entries left where they are, enough of them would hide those that are due.
 */
async function lookLater(session: Session, actionAt: number | undefined, { sessions }: PollerDeps): Promise<void> {
  const { status } = session;
  if (status === "queued") await sessions.move("resend", session, "queued");
  // One in a batch that has no deadline to act on has just moved there, and the index does not know it yet.
  const isWaiting = status === "running" || (status === "submitted" && actionAt !== undefined);
  if (isWaiting) await sessions.note("lookAgain", session, {});
}

/** @returns the session, if its deadline ended it */
async function applyPolicy(session: Session, actionAt: number, deps: PollerDeps): Promise<Session | undefined> {
  const { clock } = deps;
  if (await isAboutToSettle(session, actionAt, deps)) {
    const at = clock.now() + deps.tickSeconds * 1000;
    await deps.sessions.note("lookAgain", session, {}, { purpose: "deadline", at });
    return undefined;
  }
  if (session.onDeadline === "fallback" && session.mode === "batch") return goRealtime(session, deps);
  const error = { type: "timeout", message: `no answer by ${new Date(session.deadlineAt ?? 0).toISOString()}` };
  const changes = { error, endedAt: clock.now() };
  const moved = await deps.sessions.move("timeOut", session, "timeout", changes);
  if (!moved.moved) return undefined;
  deps.log("deadline_passed", { sessionId: session.sessionId });
  await noteDeparture(moved.session.manifestId, deps);
  return moved.session;
}

/** Its batch has ended and is not read yet: the answer may be there, and is waited for one tick more. */
async function isAboutToSettle(session: Session, actionAt: number, deps: PollerDeps): Promise<boolean> {
  const { clock, tickSeconds } = deps;
  const isFirstLook = clock.now() < actionAt + tickSeconds * 1000;
  if (session.status !== "submitted" || session.manifestId === undefined || !isFirstLook) return false;
  const manifest = await headOf(session.manifestId, deps);
  if (manifest === "damaged") return false;
  return manifest?.endedAt !== undefined && manifest.settledAt === undefined;
}

/** One that has not left the queue is never batched at all; one in a batch is claimed by the worker, and its manifest kept. */
async function goRealtime(session: Session, deps: PollerDeps): Promise<undefined> {
  const { sessions, queues, clock, log, tickSeconds } = deps;
  log("deadline_fallback", { sessionId: session.sessionId, status: session.status });
  if (session.status === "queued") {
    const changes = {
      ...takenRealtime(session, deadlineWhy),
      sendNo: session.sendNo + 1,
      notBefore: 0,
    };
    const moved = await sessions.move("goRealtime", session, "queued", { ...changes, fellBack: true });
    if (moved.moved) await queues.send(realtimeQueue, [queueMessageFor(moved.session)]);
    return;
  }
  // Looked at again until the worker has claimed it: its message may be lost.
  await sessions.note("lookAgain", session, {}, { purpose: "deadline", at: clock.now() + 2 * tickSeconds * 1000 });
  if (session.status === "submitted") await queues.send(realtimeQueue, [queueMessageFor(session)]);
}
