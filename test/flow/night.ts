import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { realtimeUnknownRetries } from "../../functions/domain/limits.ts";
import { seededRandom } from "../support/chance.ts";
import { auditHome } from "./audit.ts";
import {
  batchSeconds,
  config,
  environment,
  faults,
  faultsPerStart,
  type Kind,
  kinds,
  loadMs,
  longestRunMs,
  recoveryBoundSeconds,
  slowMs,
  slowSeconds,
} from "./night-plan.ts";
import { bill, call, delivered, type RunningSystem, setFault, spawnSession, start } from "./support.ts";

/**
 * A night of work during which the machine dies again and again: `npm start` is killed with SIGKILL at random moments,
 * under load and with the API failing, and each time started again. What was interrupted has to be settled soon after.
 */
export interface NightOptions {
  home: string;
  kills: number;
  sessions: number;
  seed: number;
  say?: (line: string) => void;
}

export interface Night {
  sessions: number;
  kills: number;
  /** Sessions that were accepted and not delivered when the process was killed, over all kills. */
  interrupted: number;
  /** Of each start, from `ready` to the delivery of the last of those that were delivered in its time. */
  recoverySeconds: number[];
  /** Whose recovery took long, to be looked for in the log. */
  slow: string[];
  /** By kind and operation, as often as they were set. */
  faults: Record<string, number>;
  statuses: Record<string, number>;
  /** What must not be, in sentences. */
  problems: string[];
}

interface Task {
  key: string;
  kind: Kind;
  sessionId?: string;
}

/** What the callers and the one who kills share. */
interface Run {
  system: RunningSystem;
  tasks: Task[];
  random: () => number;
}

export async function runNight({ home, kills, sessions, seed, say = () => {} }: NightOptions): Promise<Night> {
  const configPath = join(home, "night.json");
  writeFileSync(configPath, JSON.stringify(config));
  const startAgain = () => start(home, { ...environment, OFFPEAK_CONFIG: configPath });
  const run: Run = { system: await startAgain(), tasks: [], random: seededRandom(seed) };
  const struck: Record<string, number> = {};
  const starts: Start[] = [{ readyAt: Date.now(), interrupted: [] }];
  const callers: Promise<void>[] = [];
  for (let round = 0; round <= kills; round += 1) {
    await strike(run, struck);
    const many = Math.round((sessions * (round + 1)) / (kills + 1)) - callers.length;
    for (let one = 0; one < many; one += 1) callers.push(submit(newTask(run), run.random() * loadMs, run));
    if (round === kills) break;
    // Every third run is left to put right what the last one left behind; the others may be killed while they do.
    if (run.random() < 1 / 3) await allDelivered(run);
    else await pause(run.random() * longestRunMs);
    await run.system.kill();
    const interrupted = run.tasks.flatMap(({ sessionId }) => sessionId ?? []);
    run.system = await startAgain();
    starts.push({ readyAt: Date.now(), interrupted });
    say(`kill ${round + 1} of ${kills}, ${interrupted.length} sessions accepted so far`);
  }
  await Promise.all(callers);
  await allDelivered(run);
  // A batch whose session fell back is still to be read.
  await pause((slowSeconds + batchSeconds.max + 2) * 1000);
  const judged = await judge(run, starts);
  await run.system.stop();
  return { ...judged, problems: [...judged.problems, ...(await auditHome(home))], kills, faults: struck };
}

/** One run of the process: when it was ready, and whose sessions there were then. */
interface Start {
  readyAt: number;
  interrupted: string[];
}

function newTask({ tasks, random }: Run): Task {
  const kind = kinds[Math.floor(random() * kinds.length)] ?? kinds[0]!;
  const task = { key: `night-${tasks.length}`, kind };
  tasks.push(task);
  return task;
}

/** A caller as it should be: with a key of its own, and asking until it is answered. */
async function submit(task: Task, afterMs: number, run: Run): Promise<void> {
  await pause(afterMs);
  const { key, kind } = task;
  const body = { ...kind.body, task: `Task ${key}. ${kind.body.task ?? ""}` };
  for (;;) {
    try {
      const { sessionId } = await spawnSession(run.system.url, body, key);
      task.sessionId = sessionId;
      return;
    } catch {
      await pause(100);
    }
  }
}

async function strike({ system, random }: Run, struck: Record<string, number>): Promise<void> {
  for (let count = 0; count < faultsPerStart; count += 1) {
    const fault = faults[Math.floor(random() * faults.length)] ?? faults[0]!;
    await setFault(system, { ...fault, times: 1 });
    const name = `${fault.kind} on ${fault.on}`;
    struck[name] = (struck[name] ?? 0) + 1;
  }
}

/** Until every session that was accepted so far is delivered, or it takes too long. */
async function allDelivered({ system, tasks }: Run): Promise<void> {
  const end = Date.now() + 2 * recoveryBoundSeconds * 1000;
  for (const { sessionId } of tasks) {
    if (sessionId !== undefined) await delivered(system.url, sessionId, end - Date.now()).catch(() => {});
  }
}

async function judge({ system, tasks }: Run, starts: readonly Start[]) {
  const problems: string[] = [];
  const ended = new Map<string, number>();
  const statuses: Record<string, number> = {};
  for (const { key, kind, sessionId } of tasks) {
    const { body } = await call(system.url, `/api/sessions/${sessionId}`);
    statuses[`${kind.name} ${body.status}`] = (statuses[`${kind.name} ${body.status}`] ?? 0) + 1;
    const again = await spawnSession(system.url, { ...kind.body, task: `Task ${key}. ${kind.body.task ?? ""}` }, key);
    if (again.sessionId !== sessionId) problems.push(`${sessionId}: asked for again, it is another session`);
    const missing = body.cost?.missing ?? 0;
    // Two kills, each in the midst of a real-time call: it was tried once more, and that is all.
    const isUnknown = body.error?.type === "unknown_outcome" && missing === realtimeUnknownRetries + 1;
    if (body.status !== (kind.status ?? "done") && !isUnknown)
      problems.push(`${sessionId} (${kind.name}) is ${body.status}: ${JSON.stringify(body.error)}`);
    if (body.delivery.status !== "delivered") problems.push(`${sessionId} (${kind.name}) was not delivered`);
    if (missing > realtimeUnknownRetries + 1) problems.push(`${sessionId} (${kind.name}) has ${missing} unknown calls`);
    ended.set(sessionId ?? "", Date.parse(body.delivery.at ?? body.endedAt ?? ""));
    const history = await call(system.url, `/api/sessions/${sessionId}/history`);
    if (history.status !== 200 || (!isUnknown && history.body.messages.at(-1)?.role !== "assistant"))
      problems.push(`${sessionId} (${kind.name}) has no history to read`);
  }
  problems.push(...paidTwice(await bill(system)));
  const recoveries = recoveriesOf(starts, ended);
  return { problems, statuses, sessions: tasks.length, ...recoveries };
}

/** A turn that is on the bill of two batches. */
function paidTwice(lines: readonly { customId: string | null; tier: string }[]): string[] {
  const turns = lines.flatMap(({ customId }) => (customId === null ? [] : [customId.split("_", 2).join(".")]));
  return turns.filter((turn, index) => turns.indexOf(turn) !== index).map((turn) => `${turn} was paid for twice`);
}

/** Of each start: how long until the last of those was delivered that had been interrupted and were, in this run. */
function recoveriesOf(starts: readonly Start[], ended: ReadonlyMap<string, number>) {
  const recoverySeconds: number[] = [];
  const slow: string[] = [];
  let interrupted = 0;
  for (const [index, start] of starts.entries()) {
    const { readyAt } = start;
    const nextReadyAt = starts[index + 1]?.readyAt ?? Number.POSITIVE_INFINITY;
    const open = start.interrupted.flatMap((id) => ended.get(id) ?? []).filter((at) => at >= readyAt);
    interrupted += open.length;
    const here = open.filter((at) => at < nextReadyAt);
    if (here.length === 0) continue;
    const last = Math.max(...here);
    recoverySeconds.push((last - readyAt) / 1000);
    slow.push(...start.interrupted.filter((id) => ended.get(id) === last && last - readyAt > slowMs));
  }
  return { interrupted, recoverySeconds, slow };
}

const inOrder = (counts: Record<string, number>) =>
  Object.entries(counts).toSorted(([one], [other]) => one.localeCompare(other));

/** What a person reads in the morning. */
export function describeNight(night: Night): string {
  const { kills, sessions, interrupted, recoverySeconds, slow, faults: struck, statuses, problems } = night;
  const sorted = recoverySeconds.toSorted((one, other) => one - other);
  const rows: [string, string | number][] = [
    ["kills", kills],
    ["sessions", sessions],
    ["interrupted, over all kills", interrupted],
    ["recovery, median", `${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1)} s`],
    ["recovery, longest", `${longestRecovery(night).toFixed(1)} s`],
    ...inOrder(statuses),
    ...inOrder(struck),
    ["problems", problems.length],
  ];
  const table = rows.map(([name, value]) => `${name.padEnd(32)} ${String(value).padStart(8)}`);
  return [...table, ...slow.map((id) => `slow: ${id}`), ...problems].join("\n");
}

export const longestRecovery = ({ recoverySeconds }: Pick<Night, "recoverySeconds">) => Math.max(0, ...recoverySeconds);
