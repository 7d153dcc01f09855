import { functionSeconds } from "../../functions/domain/limits.ts";
import type { Random } from "./random.ts";

/**
 * What may happen to one call out to a client. `twice` is what an SDK does that asks again after a lost answer; with `echo`
 * the call it took for lost arrives after all, long after the second one.
 */
export const faultKinds = ["crash-before", "crash-after", "fail-before", "lose-answer", "twice", "echo"] as const;
export type Fault = (typeof faultKinds)[number];

/** One run of a function, or of a caller. Once it has crashed, nothing it does has any effect, and nothing answers it. */
export interface Process {
  name: string;
  startedAt: number;
  /** What this process has read last, by key: when the user last spoke, or whether a lane waits for a result. */
  seen: Map<string, unknown>;
  isDead: boolean;
  died: Promise<void>;
  die(): void;
}

/** Trouble ends after so many effects, and slowness after so long: from then on everything must come to rest. */
export const troubledEffects = 400;
const slowForSeconds = 45 * 60;
const heldMs = 5_000;
const slowMs = [2_000, 30_000, 200_000, 700_000];

/**
 * One kind of call that is slow in this run, so that whatever else can happen does so between the reading and the writing.
 * Each is a place where a stale decision would do harm if its condition were not there.
 */
export const slowSpots = [
  "META queued",
  "META submitted",
  "META running",
  "META done",
  "META failed",
  "META timeout",
  "META canceled",
  "META note",
  "HEAD submitting",
  "HEAD submitted",
  "HEAD abandoned",
  "HEAD closed",
  "HEAD settled",
  "anthropic.createBatch",
  "anthropic.createMessage",
  "anthropic.results",
  "table.get",
  "queues.receive",
] as const;
export type SlowSpot = (typeof slowSpots)[number];

export interface Pace {
  /** Nothing goes wrong but what the API does, and no index is behind: every promise about time holds to the tick. */
  isCalm?: boolean;
  /** Until so long after the start. */
  slowForSeconds?: number;
  /** How often any call out is slow: then it takes hold much later, or its answer comes later, while others go on. */
  slowness: number;
  /** What is slow every other time. */
  slowSpot?: SlowSpot | undefined;
  /** What waits for the moment at which it would do most harm: until this says so, or its process dies over it. */
  moment?: (method: string, parameters: readonly unknown[]) => (() => boolean) | undefined;
}

/** When a call takes hold. */
interface EffectTime {
  /** Not before this says so. */
  moment?: (() => boolean) | undefined;
  /** No later than this: whoever made it ends it then. What surfaces later all the same is a fault of the API's. */
  withinMs?: number | undefined;
}

interface Effect {
  process: Process;
  name: string;
  run: () => unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Decides what happens to the n-th effect of a run, counted from 1. */
export type FaultPlan = (effectNo: number, name: string, process: Process) => Fault | undefined;

/** No SDK asks twice where it may not: a call that creates paid work is never repeated. */
export function strike(name: string, fault: Fault): Fault {
  const isPaid = name.startsWith("anthropic.create");
  return isPaid && (fault === "twice" || fault === "echo") ? "lose-answer" : fault;
}

/** As the SDK tells of a call that failed or whose answer was lost. */
export class TransientError extends Error {
  override name = "TransientError";
  readonly $metadata = {};
}

/**
 * One thread, one clock, one choice at a time: every call out waits until the scheduler picks it, so that a seed fixes the
 * interleaving of all processes and a run can be replayed exactly.
 */
export class Scheduler {
  now: number;
  effects = 0;
  /** Whose call takes hold just now. */
  acting: Process | undefined;
  readonly faults = new Map<Fault, number>();
  private readonly steps: { no: number; at: number; process: string; name: string; fault: Fault | undefined }[] = [];
  private readonly pending: Effect[] = [];
  private readonly timers: { at: number; no: number; fire: () => void }[] = [];
  private timerNo = 0;
  private readonly random: Random;
  private readonly plan: FaultPlan;
  readonly pace: Pace;
  private readonly startAt: number;

  constructor(random: Random, plan: FaultPlan, startAt: number, pace: Pace) {
    this.random = random;
    this.plan = plan;
    this.now = startAt;
    this.startAt = startAt;
    this.pace = pace;
  }

  /** The calls that changed something, or cost something: between two of them a crash has nothing to leave undone. */
  get changing(): number[] {
    const isChange = /^table\.(insert|put|update|transact)|^queues\.|^events\.put|^objects\.put|^anthropic\.c/;
    return this.steps.flatMap(({ no, name }) => (isChange.test(name) && !name.includes("LEASE") ? [no] : []));
  }

  /** Every call out as it took hold, for a person to read. */
  get trace(): string[] {
    return this.steps.map(
      ({ no, at, process, name, fault }) =>
        `${no} ${new Date(at).toISOString().slice(8, 19)} ${process} ${name}${fault === undefined ? "" : ` ! ${fault}`}`,
    );
  }

  /** Starts a process; its promise settles when it returns or dies. */
  start(
    name: string,
    body: (process: Process) => Promise<void>,
  ): { process: Process; ended: Promise<"returned" | "threw" | "died"> } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const process: Process = {
      name,
      startedAt: this.now,
      seen: new Map(),
      isDead: false,
      died: promise,
      die: () => {},
    };
    process.die = () => {
      process.isDead = true;
      resolve();
    };
    // Lambda ends a function after 15 minutes, wherever it is.
    this.after(functionSeconds * 1000, process.die);
    const ran = body(process).then(
      () => "returned" as const,
      () => "threw" as const,
    );
    return { process, ended: Promise.race([ran, promise.then(() => "died" as const)]) };
  }

  /** A call out: nothing happens until it is picked, and for a dead process nothing ever does. */
  effect<T>(process: Process, name: string, run: () => T | Promise<T>, when: EffectTime = {}): Promise<T> {
    if (process.isDead) return new Promise(() => {});
    const { moment, withinMs = Number.POSITIVE_INFINITY } = when;
    return new Promise((resolve, reject) => {
      const effect: Effect = { process, name, run, resolve: (value) => resolve(value as T), reject };
      if (moment !== undefined) this.hold(effect, moment);
      else if (this.isQuick(name)) this.pending.push(effect);
      else {
        const delay = this.random.below(this.random.pick(slowMs));
        this.after(Math.min(delay, withinMs), () => this.pending.push(effect));
      }
    });
  }

  /** A held call looks again and again whether its moment has come; if it never does, its process dies over it. */
  private hold(effect: Effect, hasCome: () => boolean): void {
    if (!this.isSlowYet || effect.process.isDead || hasCome()) this.pending.push(effect);
    else this.after(heldMs, () => this.hold(effect, hasCome));
  }

  after(milliseconds: number, fire: () => void): void {
    this.timerNo += 1;
    this.timers.push({ at: this.now + milliseconds, no: this.timerNo, fire });
  }

  sleep(process: Process, milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, () => process.isDead || resolve()));
  }

  /** Runs until there is nothing left to do, or `isOver` says so at a moment of rest. */
  async run(isOver: () => boolean): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      if (this.pending.length > 0) {
        const [effect] = this.pending.splice(this.random.below(this.pending.length), 1);
        if (effect !== undefined) await this.perform(effect);
        continue;
      }
      if (this.timers.length === 0 || isOver()) return;
      this.timers.sort((one, other) => one.at - other.at || one.no - other.no);
      const timer = this.timers.shift();
      if (timer === undefined) return;
      this.now = Math.max(this.now, timer.at);
      timer.fire();
    }
  }

  private get isSlowYet(): boolean {
    return this.now <= this.startAt + (this.pace.slowForSeconds ?? slowForSeconds) * 1000;
  }

  private isQuick(name: string): boolean {
    if (!this.isSlowYet) return true;
    const { slowness, slowSpot } = this.pace;
    const isSpot = slowSpot !== undefined && name.includes(slowSpot);
    return !this.random.chance(isSpot ? 1 / 2 : slowness);
  }

  /** Nobody waits for it any more, but it takes hold. */
  private async echo({ process, run }: Effect): Promise<void> {
    this.acting = process;
    try {
      await run();
    } catch {
      // Nobody hears it.
    }
  }

  private async perform(effect: Effect): Promise<void> {
    const { process, name } = effect;
    if (process.isDead) return;
    this.effects += 1;
    this.now += this.random.below(20);
    const fault = this.plan(this.effects, name, process);
    if (fault !== undefined) this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    this.steps.push({ no: this.effects, at: this.now, process: process.name, name, fault });
    if (fault === "crash-before") return process.die();
    if (fault === "fail-before") return effect.reject(new TransientError(name));
    this.acting = process;
    try {
      const first = await effect.run();
      if (fault === "crash-after") return process.die();
      if (fault === "lose-answer") return effect.reject(new TransientError(name));
      if (fault === "echo") this.after(this.random.below(this.random.pick(slowMs)), () => void this.echo(effect));
      const value = fault === "twice" ? await effect.run() : first;
      if (this.isQuick(name)) effect.resolve(value);
      else this.after(this.random.below(this.random.pick(slowMs)), () => effect.resolve(value));
    } catch (error) {
      effect.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** A client whose every call is an effect of one process. */
export function asEffects<T extends object>(scheduler: Scheduler, process: Process, name: string, port: T): T {
  return new Proxy(port, {
    get(target, property) {
      const method = Reflect.get(target, property);
      if (typeof method !== "function") return method;
      const called = String(property);
      return (...parameters: unknown[]) =>
        scheduler.effect(process, label(name, called, parameters), () => Reflect.apply(method, target, parameters), {
          moment: name === "table" ? scheduler.pace.moment?.(called, parameters) : undefined,
          withinMs: timeoutOf(parameters),
        });
    },
  });
}

/** A paid call says how long it may take. */
function timeoutOf([first]: unknown[]): number | undefined {
  if (typeof first !== "object" || first === null || !("timeoutMs" in first)) return undefined;
  return Number(first.timeoutMs);
}

/** `table.update 4PEF META done` says more in a trace than `table.update`; what only changes a fact is a `note`. */
function label(port: string, method: string, [first]: unknown[]): string {
  if (port !== "table" || typeof first !== "object" || first === null) return `${port}.${method}`;
  const write: unknown = (Array.isArray(first) ? first[0] : first) ?? {};
  const { key, item, set, update, put, pk, sk } = write as Record<string, Record<string, unknown> | undefined>;
  const place = key ?? item ?? update?.["key"] ?? (put?.["item"] as object | undefined) ?? { pk, sk };
  const { pk: partition = "", sk: sort = "" } = place as { pk?: string; sk?: string };
  const changes = (set ?? update?.["set"] ?? {}) as { status?: string; state?: string };
  const what = method === "update" ? (changes.status ?? changes.state ?? "note") : (changes.state ?? "");
  const kind = partition === "LEASE" || partition === "OPEN" ? partition : sort.split("#")[0];
  return [`${port}.${method}`, partition.slice(-4), kind, what].filter((word) => word !== "").join(" ");
}
