import type { Change, Put, Write } from "../../functions/clients/table.ts";
import { derivedId } from "../../functions/domain/ids.ts";
import { startCallers } from "./callers.ts";
import { isAtRest, lateAtRest, violationsAtRest, watched } from "./invariants.ts";
import { isDecisive, keyOf, sessionClauses } from "./mutation.ts";
import { type Random, seeded } from "./random.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import {
  type Fault,
  type FaultPlan,
  faultKinds,
  type Pace,
  type Process,
  Scheduler,
  type SlowSpot,
  slowSpots,
  strike,
  troubledEffects,
} from "./scheduler.ts";
import { createWorld, tickSeconds, type World, type WorldOptions } from "./world.ts";

export interface RunOptions {
  seed: number;
  scenario: Scenario;
  /** Overrides the scenario's own faults: which effect is struck, and how. */
  plan?: FaultPlan;
  wrapTable?: WorldOptions["wrapTable"];
}

export interface RunReport {
  seed: number;
  scenario: string;
  effects: number;
  /** Those that change something or cost something, by number. */
  changing: number[];
  faults: ReadonlyMap<Fault, number>;
  marks: World["logs"];
  statuses: Map<string, number>;
  violations: string[];
  trace: string[];
}

/** 21 November 2026, 00:00 UTC: any day would do, but not the machine's. */
const midnight = Date.UTC(2026, 10, 21);
/** Once faults have stopped, everything must have ended by then: 24 h of a batch, two graces, and the longest pauses. */
const livenessSeconds = 3 * 24 * 3600;

export async function runSimulation({ seed, scenario, plan, wrapTable }: RunOptions): Promise<RunReport> {
  const random = seeded(seed);
  const startAt = midnight + (scenario.startsAfterSeconds ?? 0) * 1000;
  const pace: Pace = plan === undefined ? paceOf(seed, random, scenario, (key) => world.peek(key)) : { slowness: 0 };
  const chaos = plan ?? (pace.isCalm === true ? () => undefined : randomFaults(seeded(seed + 1), scenario));
  const scheduler = new Scheduler(random, chaos, startAt, pace);
  const violations: string[] = [];
  const world = createWorld({
    scheduler,
    random: seeded(seed + 2),
    seed,
    isPoison: (sessionId) => scenario.poison?.some((task) => derivedId("test", `key-${task}`) === sessionId) === true,
    removedLane: scenario.removedLane,
    withLeases: scenario.withLeases ?? !random.chance(0.3),
    wrapTable: (table) => watched(wrapTable?.(table) ?? table, scheduler, violations),
  });
  for (const fault of scenario.apiFaults ?? []) world.api.faults.set(fault);
  for (let no = 0; no < (scenario.strangers ?? 0); no += 1) startStranger(world, scheduler, random);
  const callers = startCallers(scenario, { world, scheduler, random });
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  startClocks(world, scheduler, random, () => isOver);
  const { mayPayTwice = false } = scenario;
  const allowed = { mayPayTwice, mayFillDeadLetters: scenario.poison !== undefined || pace.moment !== undefined };
  watchForRest(scheduler, () => callers.areAnswered() && isAtRest(world, callers, allowed), end);
  await scheduler.run(() => isOver);
  return {
    seed,
    scenario: scenario.name,
    effects: scheduler.effects,
    changing: scheduler.changing,
    faults: scheduler.faults,
    marks: world.logs,
    statuses: countStatuses(world),
    violations: [
      ...violations,
      ...(callers.areAnswered() ? [] : ["a caller was never answered"]),
      ...violationsAtRest(world, callers, allowed),
      ...(pace.isCalm === true ? lateAtRest(world, scenario) : []),
    ],
    trace: scheduler.trace,
  };
}

/** The seeds go round the scenarios, and within each round the paces: so each scenario meets each pace. */
export const scenarioOf = (seed: number): Scenario => scenarios[seed % scenarios.length]!;
const calmPaces = 2;
const plainPaces = 18;
/** So many seeds show each scenario at each pace. */
export const wholeRound = scenarios.length * (calmPaces + plainPaces + slowSpots.length + sessionClauses.length);

/** In some seeds one kind of call is slow, in others the writes of one condition wait until it alone would refuse them. */
function paceOf(seed: number, random: Random, scenario: Scenario, peek: World["peek"]): Pace {
  const { holds = sessionClauses, slowForSeconds } = scenario;
  const patience = slowForSeconds === undefined ? {} : { slowForSeconds };
  const slowness = random.pick([0, 0, 0.01, 0.05, 0.15]);
  const spots: readonly (SlowSpot | undefined)[] = [
    ...Array.from({ length: plainPaces }, () => undefined),
    ...slowSpots,
  ];
  const no = (Math.floor(seed / scenarios.length) % (calmPaces + spots.length + sessionClauses.length)) - calmPaces;
  if (no < 0) return { slowness: 0, isCalm: true };
  const target = holds[Math.max(0, no - spots.length) % holds.length];
  if (no < spots.length || target === undefined) return { slowness, slowSpot: spots[no], ...patience };
  // Not all of them: the others are what makes the moment come.
  const share = random.pick([1 / 2, 19 / 20]);
  const moment: Pace["moment"] = (method, [change]) => {
    const verdictOn = (write: Write) => isDecisive(target, write, peek(keyOf(write)));
    const write = writesOf(method, change).find((one) => verdictOn(one) !== "absent");
    if (write === undefined || verdictOn(write) === "yes" || !random.chance(share)) return undefined;
    return () => verdictOn(write) === "yes";
  };
  return { slowness, moment, ...patience };
}

function writesOf(method: string, change: unknown): readonly Write[] {
  if (method === "update") return [{ update: change as Change }];
  if (method === "put") return [{ put: change as Put }];
  return method === "transact" ? (change as Write[]) : [];
}

/** Somebody else's batch in the same workspace, of a size like ours. */
function startStranger(world: World, scheduler: Scheduler, random: Random): void {
  const params = { model: "claude-haiku-5-5", max_tokens: 9, messages: [{ role: "user", content: "Not yours." }] };
  const lines = Array.from({ length: 1 + random.below(3) }, (_, index) =>
    JSON.stringify({ custom_id: `theirs-${index}`, params }),
  );
  const bytes = Buffer.byteLength(`${lines.join(",")},`);
  scheduler.after(
    random.below(180_000),
    () => void world.api.anthropic.createBatch({ lines, bytes, betas: [], timeoutMs: 1 }),
  );
}

function startClocks(world: World, scheduler: Scheduler, random: Random, isOver: () => boolean): void {
  const every = (seconds: number, work: () => void) => {
    const again = () => {
      if (isOver()) return;
      work();
      scheduler.after(seconds * 1000 + random.below(2_000), again);
    };
    scheduler.after(random.below(seconds * 1000), again);
  };
  // EventBridge may call twice.
  const times = () => (random.chance(0.2) ? 2 : 1);
  every(tickSeconds, () => {
    for (let no = times(); no > 0; no -= 1) scheduler.start("batcher", (process) => world.batch(process));
  });
  every(tickSeconds, () => {
    for (let no = times(); no > 0; no -= 1) scheduler.start("poller", (process) => world.poll(process));
  });
  every(5, () => void takeRealtime(world, scheduler));
}

/** The event source of the real-time queue: a message whose handler did not return comes again. */
async function takeRealtime(world: World, scheduler: Scheduler): Promise<void> {
  for (const { body, handle } of await world.queues.receive("realtime")) {
    const { ended } = scheduler.start("realtime", (process: Process) => world.runMessage(process, body));
    void ended.then((how) => (how === "returned" ? world.queues.remove("realtime", [handle]) : undefined));
  }
}

function watchForRest(scheduler: Scheduler, isComplete: () => boolean, end: () => void): void {
  const until = scheduler.now + livenessSeconds * 1000;
  const look = () => {
    const isLate = scheduler.now > until;
    if (isLate || isComplete()) end();
    else scheduler.after(tickSeconds * 500, look);
  };
  scheduler.after(tickSeconds * 1000, look);
}

/** Strikes at random until enough has happened, and then never again. */
function randomFaults(random: Random, { faultRate = 0.03 }: Scenario): FaultPlan {
  const rate = faultRate * random.next();
  return (effectNo, name) => {
    if (effectNo > troubledEffects || !random.chance(rate)) return undefined;
    return strike(name, random.pick(faultKinds));
  };
}

function countStatuses(world: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of world.items().filter(({ sk }) => sk === "META")) {
    const status = String(item["status"]);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}
