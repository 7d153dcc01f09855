import type { LogCode, LogFields, MetricName } from "../../functions/domain/log.ts";
import { countingIds, seededRandom } from "./chance.ts";
import { deliveredTurns, deliveryKeyOf } from "./deliveries.ts";
import { type CrashPlan, type Dying, dying } from "./effects.ts";
import { memoryServices, portsOf, type Services, type ServicesOptions } from "./ports.ts";
import { configOf, type Rooms, type RoomsOptions, rooms, timing } from "./rooms.ts";
import { type VirtualClock, virtualClock } from "./virtual-clock.ts";

export interface WorldOptions extends Omit<ServicesOptions, "clock" | "lanes"> {
  /** As a user writes it. */
  config?: object;
  seed?: number;
  withLeases?: boolean;
  millisecondsLeft?: () => number;
}

export interface TestWorld extends Services, Rooms {
  clock: VirtualClock;
  pass(seconds: number): void;
  logs: { code: LogCode; fields: LogFields }[];
  /** Those logged so far, without their fields. */
  codes(): LogCode[];
  /** The figures of one name, in order. */
  figures(name: MetricName): number[];
  /** Accepts a batch task of the first agent, or what the test says. @returns its id */
  accept(task?: string, more?: Record<string, unknown>): Promise<string>;
  /** Batcher, real-time worker and poller once, and then a minute passes; so many times. */
  ticks(count?: number): Promise<void>;
  /** A further process over the same services, which ends at one of its effects. */
  crashing(plan: CrashPlan): Rooms & { process: Dying };
  /** The same rooms with another configuration. */
  configured(file: object): Rooms;
  /** What became of a session, as its small item says, and the fact of its delivery beside it. */
  see(sessionId: string): Promise<Record<string, unknown>>;
  /** The details of all events of a session. */
  told(sessionId: string): { id: string; status: string }[];
  /** How often a call came in: `POST /v1/messages/batches`. */
  called(what: string): number;
}

const defaultConfig = {
  agents: {
    list: [
      { id: "worker", cacheRetention: "none" },
      { id: "live", routing: "realtime", cacheRetention: "none" },
    ],
  },
};

/** The whole system in memory: real rooms, real rules, and a clock that moves when a test says so. */
export function testWorld(options: WorldOptions = {}): TestWorld {
  const { config: file = defaultConfig, seed = 1, withLeases = true, millisecondsLeft = () => 900_000 } = options;
  const clock = virtualClock();
  const config = configOf(file);
  const services = memoryServices({ ...options, clock, lanes: config.lanes.map(({ id }) => id) });
  const logs: TestWorld["logs"] = [];
  const measured: Partial<Record<MetricName, number>>[] = [];
  const common: Omit<RoomsOptions, "ports" | "config"> = {
    clock,
    newId: countingIds(),
    random: seededRandom(seed),
    log: (code, fields = {}) => void logs.push({ code, fields }),
    metrics: (values) => void measured.push(values),
    millisecondsLeft,
    withLeases,
  };
  const here = rooms({ ...common, ports: services, config });
  return {
    ...services,
    ...here,
    clock,
    pass: clock.pass,
    logs,
    codes: () => logs.map(({ code }) => code),
    figures: (name) => measured.flatMap((values) => values[name] ?? []),
    async accept(task = "Write the report.", more = {}) {
      const answer = await here.http("/api/sessions/spawn", {
        method: "POST",
        body: JSON.stringify({ task, ...more }),
      });
      const body: { sessionId: string } = JSON.parse(await answer.text());
      if (answer.status !== 202) throw new Error(JSON.stringify(body));
      return body.sessionId;
    },
    async ticks(count = 1) {
      for (let tick = 0; tick < count; tick += 1) {
        await here.batch();
        await here.workRealtime();
        await here.poll();
        clock.pass(timing.tickSeconds);
      }
    },
    crashing(plan) {
      const process = dying(plan);
      return { ...rooms({ ...common, ports: portsOf(services, process.around), config }), process };
    },
    configured: (other) => rooms({ ...common, ports: services, config: configOf(other) }),
    async see(sessionId) {
      const meta = await services.table.get({ pk: `SESSION#${sessionId}`, sk: "META" });
      if (meta === undefined) return {};
      const { items } = await services.table.query({ pk: `MANIFEST#${String(meta["winner"])}`, prefix: "DELIVERED#" });
      const fact = await services.table.get(deliveryKeyOf(meta));
      return { ...meta, ...(deliveredTurns(items)(meta) || fact !== undefined ? { delivered: true } : {}) };
    },
    told(sessionId) {
      const details = services.events.taken.map(({ detail }): { id: string; sessionId: string; status: string } =>
        JSON.parse(detail),
      );
      return details.flatMap(({ id, sessionId: of, status }) => (of === sessionId ? [{ id, status }] : []));
    },
    called: (what) => services.api.calls.filter(({ method, url }) => `${method} ${url.split("?")[0]}` === what).length,
  };
}
