import { authorize } from "../../functions/authorizer/authorize.ts";
import type { BatcherDeps } from "../../functions/batcher/deps.ts";
import { drainLane } from "../../functions/batcher/drain.ts";
import { messageRemover } from "../../functions/batcher/receive.ts";
import type { NewId } from "../../functions/domain/clock.ts";
import type { Config } from "../../functions/domain/config/index.ts";
import { parseConfig } from "../../functions/domain/config/index.ts";
import type { Log, Metrics } from "../../functions/domain/log.ts";
import { newsFilter } from "../../functions/domain/news.ts";
import type { PollerDeps } from "../../functions/poller/deps.ts";
import { tick } from "../../functions/poller/tick.ts";
import { type RealtimeDeps, runMessage } from "../../functions/realtime/run.ts";
import { type SessionsDeps, sessionsApp } from "../../functions/sessions/http.ts";
import { spawnPaths } from "../../functions/spawn/env.ts";
import { spawnFromEvent } from "../../functions/spawn/events.ts";
import { spawnApp } from "../../functions/spawn/http.ts";
import { type SpawnDeps, type SpawnInput, spawn } from "../../functions/spawn/spawn.ts";
import { backlogReader } from "../../functions/store/backlog.ts";
import { bodyStore } from "../../functions/store/bodies.ts";
import { bookStore } from "../../functions/store/books.ts";
import { cacheRunStore } from "../../functions/store/cache-runs.ts";
import { departureStore } from "../../functions/store/departures.ts";
import { laneStore } from "../../functions/store/lanes.ts";
import { latencyStore } from "../../functions/store/latencies.ts";
import { leaseStore } from "../../functions/store/leases.ts";
import { loginStore } from "../../functions/store/logins.ts";
import { manifestViews } from "../../functions/store/manifest-views.ts";
import { manifestStore } from "../../functions/store/manifests.ts";
import { primerStore } from "../../functions/store/primers.ts";
import { purseStore } from "../../functions/store/purses.ts";
import { sessionStore } from "../../functions/store/sessions.ts";
import { rememberedTokens, tokenStore } from "../../functions/store/tokens.ts";
import { turnStore } from "../../functions/store/turns.ts";
import { type Ports, tokenSecret } from "./ports.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** As deployed; see `infra/timing.ts`. */
export const timing = {
  tickSeconds: 60,
  createTimeoutSeconds: 300,
  reconcileGraceSeconds: 600,
  retrySeconds: 30,
  parkSeconds: 300,
};

export interface RoomsOptions {
  ports: Ports;
  config: Config;
  clock: VirtualClock;
  newId: NewId;
  random: () => number;
  log: Log;
  metrics: Metrics;
  millisecondsLeft: () => number;
  /** Without leases every overlap of two processes happens. */
  withLeases: boolean;
}

/** Whoever holds the deployment's own token. */
export const ownerVerdict = { client: "owner", scopes: "spawn read cancel admin", agents: "*" };

/** A configuration as a user writes it. */
export function configOf(file: object): Config {
  const parsed = parseConfig(JSON.stringify(file), () => undefined);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.config;
}

/** The verbs of all rooms, wired as their handlers wire them. */
export function rooms(options: RoomsOptions) {
  const { ports, config, clock, newId, withLeases, ...rest } = options;
  const { table, queues, objects, events, secrets, anthropicFor } = ports;
  const { tickSeconds, parkSeconds } = timing;
  const held = leaseStore(table, clock, newId);
  const latencies = latencyStore(table, clock, tickSeconds);
  const store = {
    latencies,
    cacheRuns: cacheRunStore(table, clock),
    primers: primerStore(table, newId),
    sessions: sessionStore({ table, clock, tickSeconds, leadMs: latencies.leadMs }),
    turns: turnStore(table, bodyStore(objects, clock), clock),
    manifests: manifestStore(table, clock),
    departures: departureStore(table, newId),
    books: bookStore(table, bodyStore(objects, clock), newId),
    purses: purseStore(table),
    lanes: laneStore(table, clock, parkSeconds),
    backlog: backlogReader(table),
    manifestViews: manifestViews(table),
    tokens: tokenStore(table, clock),
    leases: withLeases ? held : { hold: leaseless },
  };
  const shared = { ...store, ...rest, ...timing, config, clock, newId, queues, events, anthropicFor };
  const realtimeAtOnce = config.realtime.maxConcurrency;
  const newSecret = () => `${newId()}${"x".repeat(43)}`.slice(0, 43);
  const deps = { ...shared, newSecret, isNews: newsFilter(), removeMessages: messageRemover(queues), realtimeAtOnce };
  const remembered = rememberedTokens(store.tokens, clock);
  const spawnHttp = spawnApp(deps);
  const sessionsHttp = sessionsApp(deps);
  return {
    deps,
    spawn: (input: SpawnInput) => spawn(input, deps),
    spawnWith: (input: SpawnInput, differently: Partial<SpawnDeps>) => spawn(input, { ...deps, ...differently }),
    spawnFromEvent: (event: unknown) => spawnFromEvent(event, deps),
    spawnFromEventWith: (event: unknown, differently: Partial<SpawnDeps>) =>
      spawnFromEvent(event, { ...deps, ...differently }),
    /** Every lane once. */
    async batch() {
      for (const lane of config.lanes) await drainLane(lane, deps);
    },
    /** One lane, as one call of the batcher does. */
    async batchLane(laneId: string) {
      for (const lane of config.lanes.filter(({ id }) => id === laneId)) await drainLane(lane, deps);
    },
    /** The same with some of what it needs replaced. */
    async batchWith(differently: Partial<BatcherDeps>) {
      for (const lane of config.lanes) await drainLane(lane, { ...deps, ...differently });
    },
    poll: (differently: Partial<PollerDeps> = {}) => tick({ ...deps, ...differently }),
    /** The real-time queue once, as its event source does: a message whose run did not fail is deleted. */
    async workRealtime(differently: Partial<RealtimeDeps> = {}) {
      const received = await queues.receive("realtime");
      for (const { body, handle, receives } of received) {
        const fate = await runMessage({ body, receives }, { ...deps, ...differently }).catch(() => "left");
        if (fate === "done") await queues.remove("realtime", [handle]);
      }
      return received.length;
    },
    runMessage: (body: string) => runMessage({ body, receives: 1 }, deps),
    runMessageWith: (body: string, differently: Partial<RealtimeDeps>) =>
      runMessage({ body, receives: 1 }, { ...deps, ...differently }),
    /** One POST to the sessions room, with some of what it needs replaced. */
    postWith: (path: string, body: unknown, differently: Partial<SessionsDeps>) =>
      sessionsApp({ ...deps, ...differently }).request(
        path,
        { method: "POST", body: JSON.stringify(body) },
        { event: { requestContext: { authorizer: { lambda: ownerVerdict } } } },
      ),
    authorize: (authorization: string | undefined, address: string) =>
      authorize(
        { authorization, address },
        {
          secrets,
          tokenSecretId: tokenSecret,
          tokens: remembered,
          logins: loginStore(table, clock),
          clock,
          log: rest.log,
        },
      ),
    /** One HTTP request, as API Gateway hands it on with the authorizer's verdict. */
    async http(path: string, init: RequestInit = {}, verdict: unknown = ownerVerdict): Promise<Response> {
      const app = spawnPaths.includes(path) ? spawnHttp : sessionsHttp;
      return app.request(path, init, { event: { requestContext: { authorizer: { lambda: verdict } } } });
    },
    /** The same while the table is away. */
    broken(path: string, init: RequestInit = {}) {
      const away = () => Promise.reject(new Error("the table is away"));
      const sessions = { ...store.sessions, get: away, list: away };
      const turns = { ...store.turns, insertRequest: away, getRequest: away };
      const broken = { ...deps, sessions, turns };
      const app = spawnPaths.includes(path) ? spawnApp(broken) : sessionsApp(broken);
      return app.request(path, init, { event: { requestContext: { authorizer: { lambda: ownerVerdict } } } });
    },
  };
}

export type Rooms = ReturnType<typeof rooms>;

async function leaseless(_name: string, _seconds: number, work: (renew: () => Promise<void>) => Promise<void>) {
  await work(async () => {});
  return true;
}
