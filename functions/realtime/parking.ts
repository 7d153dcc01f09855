import { iso } from "../domain/clock.ts";
import { maxParkSeconds, realtimeLeaseSeconds } from "../domain/limits.ts";
import { realtimeStateOf } from "../domain/queue-message.ts";
import type { Session } from "../domain/session.ts";
import type { Parked } from "../store/lanes.ts";
import type { RealtimeDeps } from "./run.ts";

/** What a real-time run goes by: its own id, and, where it is a probe, the state it may end. */
export interface Run {
  id: string;
  /** Where the credential's state is written. */
  state: string;
  probed?: Parked;
}

/** While somebody else's probe is under way, the others look again after this long. */
const probeWaitSeconds = 60;

/** The run of this session, or until when it has to wait because its credential was refused. */
export async function admit(session: Session, id: string, deps: RealtimeDeps): Promise<Run | { until: number }> {
  const { config, lanes, clock } = deps;
  const state = realtimeStateOf(config.lanes.find((lane) => lane.id === session.lane) ?? { id: session.lane });
  const parked = await lanes.parked(state);
  if (parked === undefined) return { id, state };
  const now = clock.now();
  const until = Math.max(Math.min(parked.until, now + maxParkSeconds * 1000), now + probeWaitSeconds * 1000);
  if (parked.until > now || (parked.probeEndsAt ?? 0) > now) return { until };
  const endsAt = now + realtimeLeaseSeconds * 1000;
  const isProbe = await lanes.probe(state, parked, { by: id, endsAt });
  return isProbe ? { id, state, probed: { ...parked, probe: id, probeEndsAt: endsAt } } : { until };
}

/** It waits, and its message with it: what may not be sent now has no place in the queue. */
export async function putOff(session: Session, until: number, { sessions }: RealtimeDeps): Promise<void> {
  if (session.status === "queued") await sessions.move("resend", session, "queued", { notBefore: until });
  if (session.status === "submitted") await sessions.note("lookAgain", session, {}, { purpose: "deadline", at: until });
}

/** The credential is good again: whoever waits goes on. */
export async function resume({ state, probed }: Run, { lanes, log }: RealtimeDeps): Promise<void> {
  if (probed !== undefined && (await lanes.resume(state, probed))) log("lane_resumed", { lane: state });
}

/** The probe told nothing of the credential: another one goes after the usual wait. */
export async function probeAgain(run: Run, deps: RealtimeDeps): Promise<void> {
  if (run.probed !== undefined) await park(run, run.probed.reason, deps);
}

/** The probe was never made: the next session may be one at once. */
export async function giveBack({ id, state, probed }: Run, { lanes, clock }: RealtimeDeps): Promise<void> {
  if (probed !== undefined) await lanes.probe(state, probed, { by: id, endsAt: clock.now() });
}

/** The credential was refused: all its real-time work waits, instead of finding out one by one. @returns until when */
export async function park(
  { state }: Run,
  reason: string,
  { lanes, log }: RealtimeDeps,
  retryAfterSeconds?: number,
): Promise<number> {
  const { until } = await lanes.park(state, reason, retryAfterSeconds);
  log("lane_parked", { lane: state, reason, until: iso(until) });
  return until;
}
