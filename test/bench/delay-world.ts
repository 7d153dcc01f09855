import DataLoader from "dataloader";
import { parseCustomId } from "../../functions/domain/ids.ts";
import { messagesPerCall, statementsPerCall } from "../../functions/domain/limits.ts";
import { countingIds, seededRandom } from "../support/chance.ts";
import type { Around, Effect } from "../support/effects.ts";
import { memoryWorkspaceId } from "../support/memory-anthropic.ts";
import { memoryServices, portsOf, type Services } from "../support/ports.ts";
import { configOf, type Rooms, rooms, timing } from "../support/rooms.ts";
import { prose } from "./texts.ts";
import { type WorkClock, workClock } from "./work-clock.ts";

const config = configOf({ agents: { list: [{ id: "worker", delivery: "digest" }] } });
const keysPerCall = 100;

/** How late the services are taken to answer, in milliseconds: round figures of one region. */
export const latencies = {
  "DynamoDB for a key": 5,
  "DynamoDB for several": 10,
  SQS: 10,
  S3: 30,
  EventBridge: 30,
  "Anthropic for a list": 300,
  "Anthropic for the first of the results": 500,
  "Anthropic for a new batch": 2_000,
} as const;

/** What the SDK computes, in milliseconds: for a call, and for a statement in a full group of them. */
export interface SdkCost {
  callMs: number;
  statementMs: number;
}

export interface Waits {
  /** In seconds, in order. */
  batched: number[];
  delivered: number[];
  /** How long the batcher's tick took, and the longest of the poller. */
  batcher: number;
  poller: number;
}

/** What was seen from outside: when each session was where, in milliseconds. */
interface Seen {
  accepted: Map<string, number>;
  /** Sessions of each batch, in the order in which the batches were made. */
  batches: { at: number; ids: string[] }[];
  delivered: Map<string, number>;
}

/** Sessions that come evenly over one tick, until the last of them is delivered. */
export async function waitsOf(sessions: number, sdk: SdkCost): Promise<Waits> {
  const clock = workClock();
  const tickMs = timing.tickSeconds * 1000;
  const lanes = config.lanes.map(({ id }) => id);
  const batchSeconds = { min: timing.tickSeconds, max: 2 * timing.tickSeconds };
  const services = memoryServices({ clock, lanes, batchSeconds });
  const seen: Seen = { accepted: new Map(), batches: [], delivered: new Map() };
  const common = {
    config,
    clock,
    newId: countingIds(),
    random: seededRandom(1),
    log: () => {},
    metrics: () => {},
    millisecondsLeft: () => 900_000,
    withLeases: true,
  };
  const front = rooms({ ...common, ports: services });
  const back = rooms({ ...common, ports: portsOf(services, awsLike(clock, sdk, services, seen)) });
  let [batcher, poller] = [0, 0];
  await clock.run(async () => {
    await acceptEvenly(sessions, front, clock, seen);
    const from = clock.now();
    await back.batchLane("default");
    batcher = clock.now() - from;
    for (let tick = 1; seen.delivered.size < sessions; tick += 1) {
      clock.pass(Math.max(0, from + tick * tickMs - clock.now()) / 1000);
      // The model's own work is not ours.
      clock.free(() => services.api.model.bill());
      const before = clock.now();
      await back.poll();
      poller = Math.max(poller, clock.now() - before);
    }
  });
  return { ...waitsIn(seen, services), batcher: batcher / 1000, poller: poller / 1000 };
}

/** Whoever accepts is another process: only the clock goes on. */
async function acceptEvenly(sessions: number, front: Rooms, clock: WorkClock, { accepted }: Seen): Promise<void> {
  const task = prose(2_048, 1);
  const goOn = clock.pause();
  for (let from = 0; from < sessions; from += messagesPerCall) {
    const tasks = Array.from({ length: messagesPerCall }, () => ({ task: task().replaceAll("[[", "((") }));
    const answer = await front.http("/api/sessions/spawn/bulk", { method: "POST", body: JSON.stringify(tasks) });
    const { results }: { results: { sessionId: string }[] } = JSON.parse(await answer.text());
    for (const { sessionId } of results) accepted.set(sessionId, clock.now());
    clock.pass((timing.tickSeconds * messagesPerCall) / sessions);
  }
  goOn();
}

/** Each call is computed by the SDK, and answered late; what the service itself computes takes nothing of our time. */
function awsLike(clock: WorkClock, sdk: SdkCost, { api }: Services, seen: Seen): Around {
  const answered = groups(clock, sdk);
  return async (effect, run) => {
    const { port, method, args } = effect;
    const [first] = args;
    if (port === "table" && ["insert", "update"].includes(method)) {
      await answered(effect);
      return clock.free(run);
    }
    const calls = method === "getMany" && Array.isArray(first) ? Math.ceil(first.length / keysPerCall) : 1;
    if (port !== "anthropic" && port !== "secrets") clock.spend(sdk.callMs * calls);
    await clock.sleep(latencyOf(effect));
    const answer = await (port === "anthropic" ? run() : clock.free(run));
    if (method === "createBatch") {
      const ids = [...(api.calls.at(-1)?.body ?? "").matchAll(/"custom_id":"([^"]+)"/g)].map(([, id = ""]) => id);
      seen.batches.push({ at: clock.now(), ids: ids.map((id) => parseCustomId(id)?.sessionId ?? "") });
    }
    if (port === "events") for (const id of idsIn(first)) seen.delivered.set(id, clock.now());
    return answer;
  };
}

/** As the table groups writes: those of one moment, 25 a call. A group that is not full costs a call as well as its statements. */
function groups(clock: WorkClock, { callMs, statementMs }: SdkCost): (write: Effect) => Promise<void> {
  const loader = new DataLoader<Effect, void>(
    async (writes) => {
      const isFull = writes.length === statementsPerCall;
      clock.spend(isFull ? statementMs * writes.length : callMs + statementMs * (writes.length - 1));
      await clock.sleep(latencies[writes.length === 1 ? "DynamoDB for a key" : "DynamoDB for several"]);
      return writes.map(() => undefined);
    },
    { cache: false, maxBatchSize: statementsPerCall },
  );
  return (write) => loader.load(write);
}

function latencyOf({ port, method }: Effect): number {
  if (port === "table") {
    const isOfOne = ["get", "insert", "put", "update"].includes(method);
    return latencies[isOfOne ? "DynamoDB for a key" : "DynamoDB for several"];
  }
  if (port === "queues") return latencies.SQS;
  if (port === "objects") return latencies.S3;
  if (port === "events") return latencies.EventBridge;
  if (method === "createBatch") return latencies["Anthropic for a new batch"];
  return method === "results" ? latencies["Anthropic for the first of the results"] : latencies["Anthropic for a list"];
}

function idsIn(events: unknown): string[] {
  const details: { detail: string }[] = Array.isArray(events) ? events : [];
  return details.flatMap(({ detail }) => {
    const { done = [] }: { done?: string[] } = JSON.parse(detail);
    return done.map((id) => id.split(".")[0] ?? "");
  });
}

function waitsIn({ accepted, batches, delivered }: Seen, { api }: Services): Pick<Waits, "batched" | "delivered"> {
  const caller = { workspaceId: memoryWorkspaceId, version: "", betas: [] };
  const { data } = api.model.listBatches({ limit: "1000" }, caller);
  const ends = data.toReversed().map((batch) => Date.parse(String(batch["ended_at"])));
  const since = (from: number, to: number) => (to - from) / 1000;
  const inOrder = (waits: number[]) => waits.sort((one, other) => one - other);
  return {
    batched: inOrder(batches.flatMap(({ at, ids }) => ids.map((id) => since(accepted.get(id) ?? 0, at)))),
    delivered: inOrder(
      batches.flatMap(({ ids }, no) => ids.map((id) => since(ends[no] ?? 0, delivered.get(id) ?? Number.NaN))),
    ),
  };
}
