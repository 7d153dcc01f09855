import { mapConcurrently } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import { goesRealtime } from "../domain/create-outcome.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { concurrency, maxParkSeconds } from "../domain/limits.ts";
import { isOpen } from "../domain/manifest.ts";
import { parseResultLine } from "../domain/outcome.ts";
import { queueMessageFor, queueOf, realtimeStateOf } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";
import type { Parked } from "../store/lanes.ts";
import { unsureLook } from "../store/sessions.ts";
import { deliver } from "../turns/deliver.ts";
import { settle, tryAgain } from "../turns/settle.ts";
import { endRun } from "../turns/unknown-run.ts";
import type { PollerDeps } from "./deps.ts";
import { countFailure, readDue } from "./due.ts";
import { headOf } from "./head.ts";
import { endUnsent } from "./kept-too-long.ts";

/** Whoever's next step never came: the oldest first, bounded a tick, and each visit moves the time of the next. */
export async function sweepRescues(deps: PollerDeps): Promise<void> {
  const priorities = new Map(deps.config.lanes.map(({ id, priority }) => [id, priority]));
  const priorityOf = ({ lane }: Session) => priorities.get(lane) ?? 0;
  const due = await readDue("rescue", deps);
  const ordered = due.toSorted((one, other) => priorityOf(other) - priorityOf(one));
  await mapConcurrently(ordered, concurrency, async (session) => {
    try {
      await rescue(session, deps);
    } catch (error) {
      await countFailure("rescue", session, error, deps);
    }
  });
}

async function rescue(session: Session, deps: PollerDeps): Promise<void> {
  if (session.status === "queued") return sendAgain(session, deps);
  if (session.status === "running") return endDeadRun(session, deps);
  if (session.status === "submitted") return askManifest(session, deps);
}

/** Sends the session's message (again), or looks later where its lane is closed or parked. */
async function sendAgain(session: Session, deps: PollerDeps): Promise<void> {
  const { sessions, queues, config, clock, log } = deps;
  if (await endUnsent(session, deps)) return;
  // The index may still show when it was due before.
  if (session.notBefore > clock.now()) return;
  const lane = config.lanes.find(({ id }) => id === session.lane);
  // The work of a lane that is no longer configured goes to the default lane.
  if (lane === undefined) {
    const moved = await sessions.move("resend", session, "queued", { lane: "default", sendNo: session.sendNo + 1 });
    if (moved.moved) await queues.send(queueOf(moved.session), [queueMessageFor(moved.session)]);
    return;
  }
  const opening = await opensFor(session, lane, deps);
  if (opening > clock.now()) {
    await sessions.move("resend", session, "queued", { notBefore: opening });
    return;
  }
  // The number is raised first, so that of two rescuers only one sends.
  const moved = await sessions.move("resend", session, "queued", { sendNo: session.sendNo + 1, notBefore: 0 });
  if (!moved.moved) return;
  await queues.send(queueOf(moved.session), [queueMessageFor(moved.session)]);
  log("session_rescued", { sessionId: session.sessionId, from: "queued", sendNo: moved.session.sendNo });
}

/**
 * When its lane, or the credential of its real-time call, takes work again. Somebody may have parked it by hand for a week, and
 * end that tomorrow: so nobody is put off for longer than a lane parks by itself.
 */
async function opensFor(session: Session, lane: Lane, { lanes, clock }: PollerDeps): Promise<number> {
  const latest = clock.now() + maxParkSeconds * 1000;
  const untilOf = (parked: Parked | undefined) => Math.min(parked?.until ?? 0, latest);
  if (session.mode === "realtime") return untilOf(await lanes.parked(realtimeStateOf(lane)));
  const parked = await lanes.parked(lane.id);
  // What goes real-time instead is sent from the lane's own queue.
  return Math.max(opensAt(lane, clock.now()), goesRealtime(lane, parked) ? 0 : untilOf(parked));
}

/** Whoever ran it is dead, or its lease would not be over. */
async function endDeadRun(session: Session, deps: PollerDeps): Promise<void> {
  if ((session.runEndsAt ?? 0) > deps.clock.now()) {
    await deps.sessions.note("lookAgain", session, {});
    return;
  }
  const ended = await endRun(session, deps);
  if (ended !== undefined) await deliver([ended], deps);
}

/** Back from a fallback that failed: its batch may still come, may have come already, or may never. */
async function askManifest(session: Session, deps: PollerDeps): Promise<void> {
  const { sessions, turns, clock, tickSeconds } = deps;
  const { manifestId = "", sessionId, turn } = session;
  const manifest = await headOf(manifestId, deps);
  if (manifest === "damaged" || (manifest !== undefined && isOpen(manifest.state))) {
    await sessions.note("lookAgain", session, {}, unsureLook(session, clock.now(), tickSeconds));
    return;
  }
  const result = await turns.getResult(sessionId, turn, manifestId);
  const text = result === undefined ? "" : await turns.readBody(result);
  const line = parseResultLine(text);
  if (result === undefined || line.kind !== "ours") {
    await tryAgain(session, { type: "no_result", message: "the batch ended without a result for this request" }, deps);
    return;
  }
  const { body: _, ...facts } = result;
  const ended = await settle(session, { ...facts, ...line.result, sessionId, turn, source: manifestId, text }, deps);
  if (ended !== undefined) await deliver([ended], deps);
}
