import { chunksOf } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import type { Session } from "../domain/session.ts";
import { isPoison, suspectsPerBatch } from "../domain/visits.ts";
import { failPoison } from "../turns/poison.ts";
import { type Candidate, type Sorted, toCandidate, type Waiting } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { formGroups } from "./group.ts";
import { hasTimeFor } from "./time-left.ts";

/** What may be sent next, and whoever waits behind it. */
export interface Next {
  group: readonly Candidate[];
  rest: readonly Waiting[];
}

/**
 * Groups to be sent, in order: the sound ones first, then the suspects, whose handling may be the end of this process.
 * Each suspect is counted and made ready by itself; those that were counted least come first.
 */
export async function* groupsOf({ sound, suspects }: Sorted, lane: Lane, deps: BatcherDeps): AsyncGenerator<Next> {
  const groups = formGroups(sound, lane);
  for (const [index, group] of groups.entries())
    yield { group, rest: [...groups.slice(index + 1).flat(), ...suspects] };
  const parts = partsOf(suspects, lane);
  for (const [index, some] of parts.entries()) {
    const rest = parts.slice(index + 1).flat();
    // Nobody is counted whom there is no time to send.
    if (!hasTimeFor(deps)) return yield { group: [], rest: [...some, ...rest] };
    for await (const next of suspectGroups(some, lane, deps)) yield { ...next, rest: [...next.rest, ...rest] };
  }
}

function partsOf(suspects: readonly Waiting[], { maxBatchRequests }: Lane): Waiting[][] {
  const byVisits = Map.groupBy(suspects, ({ session }) => session.visits ?? 0);
  return [...byVisits]
    .toSorted(([one], [other]) => one - other)
    .flatMap(([visits, equals]) => chunksOf(equals, suspectsPerBatch(visits + 1, maxBatchRequests)));
}

/** Groups that nobody asked for any more were not sent because the lane has to wait: that is not held against them. */
async function* suspectGroups(suspects: readonly Waiting[], lane: Lane, deps: BatcherDeps): AsyncGenerator<Next> {
  const candidates: Candidate[] = [];
  for (const suspect of suspects) {
    const candidate = await visit(suspect, lane, deps);
    if (candidate !== undefined) candidates.push(candidate);
  }
  const groups = formGroups(candidates, lane);
  try {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) yield { group, rest: groups.flat() };
  } finally {
    for (const { session } of groups.flat()) await countTo((session.visits ?? 1) - 1, session, deps);
  }
}

/** Counted first, so that a visit which ends the process is remembered. One that came back without a fault is not held. */
async function visit({ session, handles }: Waiting, lane: Lane, deps: BatcherDeps): Promise<Candidate | undefined> {
  if (isPoison(session)) {
    await failPoison(session, deps);
    return undefined;
  }
  const counted = await countTo((session.visits ?? 0) + 1, session, deps);
  if (!counted.moved) return undefined;
  const loaded = await toCandidate({ session: counted.session, handles }, lane.id, deps);
  if (loaded === "away") await countTo(session.visits ?? 0, counted.session, deps);
  return typeof loaded === "object" ? loaded : undefined;
}

function countTo(visits: number, session: Session, { sessions }: BatcherDeps) {
  return sessions.note("visit", session, { visits });
}
