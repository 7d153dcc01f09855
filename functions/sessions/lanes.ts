import type { HttpContext } from "../clients/http.ts";
import { type Backlog, noBacklog, withEntry } from "../domain/backlog.ts";
import { type Clock, iso } from "../domain/clock.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import type { Config, Lane } from "../domain/config/index.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { concurrency } from "../domain/limits.ts";
import { realtimeStateOf } from "../domain/queue-message.ts";
import type { BacklogReader } from "../store/backlog.ts";
import type { Lanes, Parked } from "../store/lanes.ts";
import type { OpenManifest } from "../store/manifest-items.ts";
import type { Manifests } from "../store/manifests.ts";
import { readParameters } from "./parameters.ts";

export interface LanesDeps {
  config: Config;
  lanes: Lanes;
  manifests: Manifests;
  backlog: BacklogReader;
  clock: Clock;
}

/** `GET /api/lanes`: what each lane has to do, what it has at Anthropic, and why it does not go on. */
export function laneRoutes(deps: LanesDeps) {
  return {
    "GET /api/lanes": async (c: HttpContext) => {
      readParameters(c, []);
      return c.json(await describeLanes(deps));
    },
  };
}

async function describeLanes(deps: LanesDeps) {
  const { config, manifests, clock } = deps;
  const now = clock.now();
  // What a lane left behind that is no longer configured is sent by the default lane.
  const laneOf = (name: string) => (config.lanes.some(({ id }) => id === name) ? name : "default");
  const backlogs = new Map<string, Backlog>();
  const [open, isWhole] = await Promise.all([
    manifests.open(),
    deps.backlog.read((entries) => {
      for (const entry of entries) {
        const lane = laneOf(entry.lane);
        backlogs.set(lane, withEntry(backlogs.get(lane) ?? noBacklog, entry, now));
      }
    }),
  ]);
  const openOf = Map.groupBy(open, ({ lane }) => laneOf(lane));
  const lanes = await mapConcurrently(config.lanes, concurrency, (lane) =>
    describeLane(lane, backlogs.get(lane.id) ?? noBacklog, openOf.get(lane.id) ?? [], deps),
  );
  return { at: iso(now), ...(isWhole ? {} : { atLeast: true }), lanes };
}

async function describeLane(
  lane: Lane,
  { queued, waiting, oldestQueuedAt, realtimeQueued, realtimeRunning }: Backlog,
  open: readonly OpenManifest[],
  { lanes, clock }: LanesDeps,
) {
  const now = clock.now();
  const [parked, realtimeParked] = [await lanes.parked(lane.id), await lanes.parked(realtimeStateOf(lane))];
  const opening = opensAt(lane, now);
  return {
    lane: lane.id,
    priority: lane.priority,
    hours: lane.hours === undefined ? null : { text: lane.hours.text, tz: lane.tz },
    open: opening === 0,
    opensAt: opening === 0 ? null : iso(opening),
    parked: describeParked(parked),
    queued,
    waiting,
    oldestQueuedSeconds: oldestQueuedAt === undefined ? null : Math.max(0, Math.round((now - oldestQueuedAt) / 1000)),
    inFlight: open.reduce((sum, { count }) => sum + count, 0),
    maxInFlightRequests: lane.maxInFlightRequests,
    openManifests: open.length,
    realtime: { queued: realtimeQueued, running: realtimeRunning, parked: describeParked(realtimeParked) },
  };
}

function describeParked(parked: Parked | undefined) {
  return parked === undefined ? null : { reason: parked.reason, since: iso(parked.since), until: iso(parked.until) };
}
