import type { BatcherDeps } from "../../functions/batcher/deps.ts";
import { drainLane } from "../../functions/batcher/drain.ts";
import { messageRemover } from "../../functions/batcher/receive.ts";
import type { OutgoingEvent } from "../../functions/clients/eventbridge.ts";
import type { Item, Key, Table } from "../../functions/clients/table.ts";
import { toNanoUsd } from "../../functions/domain/budget.ts";
import { type Config, parseConfig } from "../../functions/domain/config/index.ts";
import type { FollowUpRequest } from "../../functions/domain/follow-up-request.ts";
import { functionSeconds } from "../../functions/domain/limits.ts";
import type { LogCode } from "../../functions/domain/log.ts";
import { newsFilter } from "../../functions/domain/news.ts";
import { once } from "../../functions/domain/once.ts";
import { realtimeQueue } from "../../functions/domain/queue-message.ts";
import type { Session } from "../../functions/domain/session.ts";
import type { PollerDeps } from "../../functions/poller/deps.ts";
import { tick } from "../../functions/poller/tick.ts";
import { type RealtimeDeps, runMessage } from "../../functions/realtime/run.ts";
import { cancel } from "../../functions/sessions/cancel.ts";
import { followUp } from "../../functions/sessions/follow-up.ts";
import { type SpawnDeps, type SpawnInput, spawn } from "../../functions/spawn/spawn.ts";
import { backlogReader } from "../../functions/store/backlog.ts";
import { bodyStore } from "../../functions/store/bodies.ts";
import { bookStore } from "../../functions/store/books.ts";
import { cacheRunStore } from "../../functions/store/cache-runs.ts";
import { departureStore } from "../../functions/store/departures.ts";
import { laneStore } from "../../functions/store/lanes.ts";
import { latencyStore } from "../../functions/store/latencies.ts";
import { type Leases, leaseStore } from "../../functions/store/leases.ts";
import { manifestStore } from "../../functions/store/manifests.ts";
import { primerStore } from "../../functions/store/primers.ts";
import { purseStore } from "../../functions/store/purses.ts";
import { sessionStore } from "../../functions/store/sessions.ts";
import { type Turns, turnStore } from "../../functions/store/turns.ts";
import { countingIds } from "../support/chance.ts";
import { type MemoryQueues, memoryQueues } from "../support/memory-queues.ts";
import { memoryEvents, memoryObjects } from "../support/memory-services.ts";
import { memoryTable } from "../support/memory-table.ts";
import { type SimulatedApi, simulatedApi } from "./anthropic.ts";
import type { Random } from "./random.ts";
import { asEffects, type Process, type Scheduler } from "./scheduler.ts";

const isCaller = ({ name }: Process) => ["spawn", "cancel", "follow-up"].includes(name);
export const tickSeconds = 60;
/** Until somebody mends the code. */
const poisonMs = 100 * 60_000;
const removedAfterMs = 150_000;

export interface WorldOptions {
  scheduler: Scheduler;
  random: Random;
  seed: number;
  /** Without leases every overlap happens, and nothing may change but the work done. */
  withLeases: boolean;
  /** Whose requests break the batcher at first. */
  isPoison?: (sessionId: string) => boolean;
  /** A lane that a new configuration no longer has, while functions with the old one still run. */
  removedLane?: string | undefined;
  /** Wraps the table below the effects, to watch it or to take a condition away. */
  wrapTable?: (table: Table) => Table;
}

/** Everything the system has, in memory: what survives a crash is here, what a process knows is not. */
export interface World {
  config: Config;
  table: Table;
  items(): Item[];
  /** One item as it is now, which is not to be changed. */
  peek(key: Key): Item | undefined;
  queues: MemoryQueues;
  events: OutgoingEvent[];
  api: SimulatedApi;
  logs: Map<LogCode, number>;
  spawn(process: Process, input: SpawnInput): ReturnType<typeof spawn>;
  batch(process: Process): Promise<void>;
  poll(process: Process): Promise<void>;
  runMessage(process: Process, body: string): Promise<void>;
  cancel(process: Process, sessionId: string): Promise<void>;
  /** @returns the turn */
  followUp(process: Process, sessionId: string, said: { request: FollowUpRequest; key: string }): Promise<number>;
}

const lanes = [
  { id: "default", maxBatchRequests: 3, maxAttempts: 3 },
  { id: "narrow", maxInFlightRequests: 1 },
  { id: "either", onBatchUnavailable: "realtime" },
];
const agents = {
  list: [
    { id: "worker", system: "Work." },
    { id: "live", routing: "realtime" },
    // Long enough to be cached, so that one of its tasks goes ahead for the others.
    { id: "watch", system: "Watch the night. ".repeat(200) },
    // Room for a scenario; for two tasks at once, and whoever comes then is refused; for one, and the others wait for midnight.
    { id: "thrifty", maxTokens: 1_000, budget: { usdPerDay: 0.005, onExceeded: "hold" } },
    { id: "strict", maxTokens: 1_000, budget: { usdPerDay: 0.0006, onExceeded: "reject" } },
    { id: "patient", maxTokens: 1_000, budget: { usdPerDay: 0.0004, onExceeded: "hold" } },
  ],
};

/** What each purse may reserve and spend of a day, in thousandths of a millionth of a dollar. */
export const dayLimits: ReadonlyMap<string, number> = new Map(
  agents.list.map(({ id, budget }) => [`agent#${id}`, toNanoUsd(budget?.usdPerDay ?? 0)]),
);

function configOf(parts: { agents: typeof agents; lanes: typeof lanes }): Config {
  const parsed = parseConfig(JSON.stringify(parts), () => undefined);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.config;
}

export function createWorld(options: WorldOptions): World {
  const { scheduler, random, seed, withLeases, wrapTable = (table) => table } = options;
  const config = configOf({ agents, lanes });
  const later = configOf({ agents, lanes: lanes.filter(({ id }) => id !== options.removedLane) });
  const startedAt = scheduler.now;
  const clock = { now: () => scheduler.now };
  // The index is behind now and then, by up to two ticks.
  const memory = memoryTable({
    clock,
    indexLagMs: () => (!scheduler.pace.isCalm && random.chance(0.2) ? random.below(2 * tickSeconds * 1000) : 0),
  });
  const table = wrapTable(memory);
  const queues = memoryQueues({
    clock,
    isDoubled: () => random.chance(0.1),
    pick: (count) => random.below(count),
  });
  const objects = memoryObjects();
  const bus = memoryEvents(() => scheduler.faults.size > 0 && random.chance(0.05));
  const api = simulatedApi(clock, random, String(seed));
  const logs = new Map<LogCode, number>();
  const log = (code: LogCode) => void logs.set(code, (logs.get(code) ?? 0) + 1);
  const newId = countingIds("0");

  const isBreaking = (name: string, sessionId: string) =>
    name === "batcher" && scheduler.now < startedAt + poisonMs && options.isPoison?.(sessionId) === true;
  const breaking = (turns: Turns, { name }: Process): Turns => ({
    ...turns,
    async getRequest(sessionId, turn) {
      if (isBreaking(name, sessionId)) throw new TypeError("a bug");
      return turns.getRequest(sessionId, turn);
    },
    async getRequests(keys) {
      if (keys.some(({ sessionId }) => isBreaking(name, sessionId))) throw new TypeError("a bug");
      return turns.getRequests(keys);
    },
  });

  const depsOf = (process: Process) => {
    const wrap = <T extends object>(name: string, port: T): T => asEffects(scheduler, process, name, port);
    const own = { now: clock.now, sleep: (ms: number) => scheduler.sleep(process, ms) };
    const tableOf = wrap("table", table);
    const leases: Leases = withLeases
      ? leaseStore(tableOf, own, newId)
      : {
          async hold(_name, _seconds, work) {
            await work(async () => {});
            return true;
          },
        };
    const queuesOf = wrap("queues", queues);
    const latencies = latencyStore(tableOf, own, tickSeconds);
    return {
      // Callers go on naming the lane: what they were answered is kept.
      config: isCaller(process) || scheduler.now < startedAt + removedAfterMs ? config : later,
      sessions: sessionStore({ table: tableOf, clock: own, tickSeconds, leadMs: latencies.leadMs }),
      latencies,
      cacheRuns: cacheRunStore(tableOf, own),
      primers: primerStore(tableOf, newId),
      turns: breaking(turnStore(tableOf, bodyStore(wrap("objects", objects), own), own), process),
      manifests: manifestStore(tableOf, own),
      departures: departureStore(tableOf, newId),
      books: bookStore(tableOf, bodyStore(wrap("objects", objects), own), newId),
      purses: purseStore(tableOf),
      lanes: laneStore(tableOf, own, 300),
      leases,
      queues: queuesOf,
      removeMessages: messageRemover(queuesOf),
      backlog: backlogReader(tableOf),
      realtimeAtOnce: config.realtime.maxConcurrency,
      events: wrap("events", bus),
      anthropicFor: once(() => wrap("anthropic", api.anthropic)),
      clock: own,
      newId,
      random: () => random.next(),
      log,
      metrics: () => {},
      isNews: newsFilter(),
      tickSeconds,
      createTimeoutSeconds: 300,
      reconcileGraceSeconds: 600,
      retrySeconds: 120,
      millisecondsLeft: () => process.startedAt + functionSeconds * 1000 - scheduler.now,
    } satisfies SpawnDeps & BatcherDeps & PollerDeps & RealtimeDeps;
  };

  return {
    config,
    table,
    items: () => memory.items(),
    peek: (key) => memory.peek(key),
    queues,
    events: bus.taken,
    api,
    logs,
    spawn: (process, input) => spawn(input, depsOf(process)),
    async batch(process) {
      for (const lane of config.lanes) await drainLane(lane, depsOf(process));
    },
    poll: (process) => tick(depsOf(process)),
    runMessage: async (process, body) => void (await runMessage({ body, receives: 1 }, depsOf(process))),
    async cancel(process, sessionId) {
      const deps = depsOf(process);
      await cancel(await readSession(sessionId, deps), deps);
    },
    async followUp(process, sessionId, { request, key }) {
      const deps = depsOf(process);
      const session = await readSession(sessionId, deps);
      return followUp({ session, request, client: "test", idempotencyKey: key, hash: JSON.stringify(request) }, deps);
    },
  };
}

async function readSession(sessionId: string, { sessions }: Pick<SpawnDeps, "sessions">): Promise<Session> {
  const session = await sessions.get(sessionId);
  if (session === undefined) throw new Error(`${sessionId}: accepted, and not there`);
  return session;
}

export const queueNames = (config: Config) => [...config.lanes.map(({ id }) => id), realtimeQueue];
