import { setTimeout } from "node:timers/promises";
import { maxBulkTasks } from "../../functions/domain/limits.ts";
import { timing } from "../support/rooms.ts";
import { peakMegabytes } from "./measure.ts";
import { nightWorld } from "./night-world.ts";
import { prose } from "./texts.ts";

/** One night in a process of its own, whose time and memory are then those of nothing else. */
export interface NightTask {
  sessions: number;
  /** Whether the services keep everything. */
  keeps: boolean;
}
export interface NightResult {
  /** Of all threads, so that whatever else the machine does counts for little: in millionths of a second. */
  cpuPerSession: number;
  wallSeconds: number;
  peakMegabytes: number;
  /** What is there after the night, and was not before it. */
  keptMegabytes: number;
}
/** What a tenth of the sessions took. */
export interface NightProgress {
  tenth: number;
  cpuPerSession: number;
}

/** A million in eight hours. */
const perTick = 2_084;
/** So many before it is measured, so that the code is as warm for few as for many. */
const warmUp = 10_000;
const piece = prose(100, 5);
/** No piece may be taken for an order to the stand-in. */
const pieces = Array.from({ length: 500 }, () => piece().replaceAll("[[", "(("));

/** What is logged where nothing goes wrong. */
const usual = ["session_accepted", "manifest_submitted", "manifest_settled"];

type World = ReturnType<typeof nightWorld>;

const task: NightTask = JSON.parse(process.argv[2] ?? "");
await night(nightWorld(false), warmUp);
const before = await keptMegabytes();
const from = { cpu: process.cpuUsage(), wall: process.hrtime.bigint() };
const world = nightWorld(task.keeps);
const progress = progressOf(task.sessions);
await night(world, task.sessions, progress);
const result: NightResult = {
  cpuPerSession: cpuSince() / task.sessions,
  wallSeconds: Number(process.hrtime.bigint() - from.wall) / 1e9,
  peakMegabytes: peakMegabytes(),
  keptMegabytes: (await keptMegabytes()) - before,
};
await checkEnd(world, task.sessions);
process.send?.(result);

function cpuSince(): number {
  const { user, system } = process.cpuUsage(from.cpu);
  return user + system;
}

/** What is outside of the heap is given back some time after it is collected. */
async function keptMegabytes(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc?.();
    await setTimeout(50);
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** So many sessions, a tick's share each tick, until the last of them is delivered and checked. */
async function night(world: World, sessions: number, onTick = (_checked: number) => {}): Promise<void> {
  let accepted = 0;
  while (world.checked() < sessions) {
    const end = Math.min(sessions, accepted + perTick);
    while (accepted < end) accepted = await accept(world, accepted, Math.min(end, accepted + maxBulkTasks));
    await world.batch();
    await world.poll();
    world.clock.pass(timing.tickSeconds);
    await world.check();
    onTick(world.checked());
  }
}

async function accept(world: World, from: number, to: number): Promise<number> {
  const tasks = Array.from({ length: to - from }, (_, no) => ({ task: `${from + no}: ${pieces[no % pieces.length]}` }));
  const body = JSON.stringify(tasks);
  const answer = await world.http("/api/sessions/spawn/bulk", { method: "POST", body });
  const { accepted }: { accepted: number } = JSON.parse(await answer.text());
  if (accepted !== tasks.length) throw new Error(`${accepted} of ${tasks.length} were accepted`);
  return to;
}

function progressOf(sessions: number): (checked: number) => void {
  let [tenth, counted, spent] = [0, 0, 0];
  return (checked) => {
    if (checked < (sessions * (tenth + 1)) / 10) return;
    tenth += 1;
    const cpu = cpuSince();
    const told: NightProgress = { tenth, cpuPerSession: (cpu - spent) / (checked - counted) };
    [counted, spent] = [checked, cpu];
    process.send?.(told);
  };
}

/** Each session was checked by itself; here it is that nothing is left to do, and that the books have them all. */
async function checkEnd({ table, queues, http, logs }: World, sessions: number): Promise<void> {
  const left = table.items().filter(({ pk }) => ["OPEN", "UNSUMMED", "LEFT"].includes(pk)).length;
  const messages = queues.bodies("default").length;
  if (left + messages > 0) throw new Error(`${left} items and ${messages} messages are left`);
  const usage = await (await http("/api/usage")).text();
  const { totals }: { totals: { results: number; missing: number } } = JSON.parse(usage);
  if (totals.results !== sessions || totals.missing > 0) throw new Error(`the books have ${JSON.stringify(totals)}`);
  const strange = [...logs.keys()].filter((code) => !usual.includes(code));
  if (strange.length > 0) throw new Error(strange.join(", "));
}
