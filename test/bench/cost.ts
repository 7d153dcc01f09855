import { atMost, type Bench, type BenchTable, type Section, short } from "./measure.ts";
import { type BenchRooms, type BenchSystem, loadRooms, quietly, startServices } from "./system.ts";
import { prose } from "./texts.ts";
import type { Service, Tally } from "./wire.ts";

/** Dollars a million, us-east-1 (`reference`: list prices of autumn 2026, free tiers left out). */
const dollarsPerMillion = { write: 0.625, read: 0.125, httpCall: 1, lambdaCall: 0.2 } as const;
const partDollars: Record<Service, number> = {
  DynamoDB: 0,
  SQS: 0.4,
  EventBridge: 1,
  S3: 5,
  SecretsManager: 5,
};
/** The price of S3 above is that of a PUT. */
const s3GetDollars = 0.4;
const logDollarsPerGb = 0.5;
const egressDollarsPerGb = 0.09;
/** A gigabyte-second on arm64; a whole processor comes with 1,769 MB. */
const cpuDollarsPerSecond = 1.769 * 0.0000133334;
/** API Gateway charges each 512 KB of a call. */
const httpPartBytes = 512 * 1024;
/** A line of the access log. Lambda does not report the calls of the rooms behind it (`infra/room-function.ts`). */
const accessLogBytes = 300;

const sizes = [200, 600] as const;
const taskBytes = 4_096;
/** A call; a busy machine has no time for a thousand in the seconds that one may take. */
const bulkTasks = 200;

/** What a session more costs, so that what a tick costs anyway does not count: the larger run less the smaller one. */
export const cost: Bench = {
  name: "cost",
  title: "AWS requests and units per session, counted on the wire",
  run,
};

const config = {
  agents: {
    defaults: { system: prose(600, 7)(), maxTokens: 2_048 },
    list: [{ id: "each" }, { id: "digest", delivery: "digest" }],
  },
};

interface Spent {
  tallies: Tally[];
  httpParts: number;
  lambdaCalls: number;
  logBytes: number;
  egressBytes: number;
  cpuSeconds: number;
}

interface Way {
  title: string;
  target: number;
  spawn: (count: number, task: () => string, rooms: BenchRooms) => Promise<{ calls: number; bytes: number }>;
}

const ways: Way[] = [
  {
    title: "single spawn, an event each",
    target: 11,
    async spawn(count, task, rooms) {
      let bytes = 0;
      for (let index = 0; index < count; index += 1) {
        const body = JSON.stringify({ task: task(), agentId: "each" });
        bytes += Math.ceil(body.length / httpPartBytes);
        const answer = await rooms.call("/api/sessions/spawn", { method: "POST", body });
        if (answer.status !== 202) throw new Error(await answer.text());
      }
      return { calls: count, bytes };
    },
  },
  {
    title: "bulk spawn, digests",
    target: 8,
    async spawn(count, task, rooms) {
      let calls = 0;
      let bytes = 0;
      for (let left = count; left > 0; left -= bulkTasks) {
        const tasks = Array.from({ length: Math.min(left, bulkTasks) }, () => ({ task: task(), agentId: "digest" }));
        const body = JSON.stringify(tasks);
        calls += 1;
        bytes += Math.ceil(body.length / httpPartBytes);
        const answer = await rooms.call("/api/sessions/spawn/bulk", { method: "POST", body });
        const { accepted }: { accepted: number } = JSON.parse(await answer.text());
        if (accepted !== tasks.length) throw new Error(`${accepted} accepted of ${tasks.length}`);
      }
      return { calls, bytes };
    },
  },
];

async function run(): Promise<Section> {
  const services = await startServices(config, { answerBytes: taskBytes, isCounting: true });
  try {
    const rooms = await loadRooms();
    const section: Section = { figures: [], tables: [], notes };
    const task = prose(taskBytes, 1);
    for (const way of ways) {
      await night(way, 20, task, { services, rooms });
      const small = await night(way, sizes[0], task, { services, rooms });
      const large = await night(way, sizes[1], task, { services, rooms });
      const rows = costRows(lessOf(large, small, sizes[1] - sizes[0]));
      const total = rows.reduce((sum, { dollars }) => sum + dollars, 0);
      const what = `${way.title}: a million sessions`;
      section.figures.push({ what, unit: "$", samples: [total], target: atMost(way.target, " $") });
      section.tables.push(tableOf(way.title, rows));
    }
    return section;
  } finally {
    await services.stop();
  }
}

const notes = [
  `Tasks and answers are ${taskBytes} bytes of prose each. DynamoDB's units are those that the database reports for each call, indexes included. ` +
    "Left out: what a tick costs whether there is work or not, storage, and Anthropic's own price.",
];

type Parts = { services: BenchSystem; rooms: BenchRooms };

/** So many sessions from spawn to delivery. */
async function night(way: Way, count: number, task: () => string, { services, rooms }: Parts): Promise<Spent> {
  const before = await services.enter("spawn");
  const cpu = process.cpuUsage();
  let spawned = { calls: 0, bytes: 0 };
  const logBytes = await quietly(async () => {
    spawned = await way.spawn(count, task, rooms);
    await services.enter("submit");
    await rooms.batcher.handler({ lane: "default" }, undefined);
    await services.enter("settle");
    for (let tick = 0; tick < 2; tick += 1) await rooms.poller.handler(undefined, undefined);
  });
  const { user, system } = process.cpuUsage(cpu);
  const after = await services.enter("");
  if (after.requests - before.requests !== count) throw new Error("not all of them were sent");
  return {
    tallies: after.tallies.map((tally) =>
      lessTally(
        tally,
        before.tallies.find((old) => isSame(old, tally)),
      ),
    ),
    httpParts: spawned.bytes,
    lambdaCalls: 2 * spawned.calls,
    logBytes: logBytes + spawned.calls * accessLogBytes,
    egressBytes: after.bytesIn - before.bytesIn,
    cpuSeconds: (user + system) / 1e6,
  };
}

const isSame = (one: Tally, other: Tally) =>
  one.service === other.service && one.step === other.step && one.what === other.what;

function lessTally(tally: Tally, old: Tally | undefined, by = 1): Tally {
  const less = (name: "requests" | "writeUnits" | "readUnits" | "parts") => (tally[name] - (old?.[name] ?? 0)) / by;
  return {
    ...tally,
    requests: less("requests"),
    writeUnits: less("writeUnits"),
    readUnits: less("readUnits"),
    parts: less("parts"),
  };
}

function lessOf(large: Spent, small: Spent, by: number): Spent {
  const less = (name: Exclude<keyof Spent, "tallies">) => (large[name] - small[name]) / by;
  return {
    tallies: large.tallies.map((tally) =>
      lessTally(
        tally,
        small.tallies.find((old) => isSame(old, tally)),
        by,
      ),
    ),
    httpParts: less("httpParts"),
    lambdaCalls: less("lambdaCalls"),
    logBytes: less("logBytes"),
    egressBytes: less("egressBytes"),
    cpuSeconds: less("cpuSeconds"),
  };
}

interface Row {
  service: string;
  step: string;
  what: string;
  writes: number;
  reads: number;
  requests: number;
  dollars: number;
}

function costRows({ tallies, ...rest }: Spent): Row[] {
  const rows = tallies.map(({ service, step, what, requests, writeUnits, readUnits, parts }) => ({
    service,
    step,
    what,
    writes: writeUnits,
    reads: readUnits,
    requests,
    dollars:
      writeUnits * dollarsPerMillion.write +
      readUnits * dollarsPerMillion.read +
      parts * (service === "S3" && what === "GET" ? s3GetDollars : partDollars[service]),
  }));
  const line = (service: string, what: string, requests: number, dollars: number): Row => {
    return { service, step: "", what, writes: 0, reads: 0, requests, dollars };
  };
  const million = 1_000_000;
  return [
    ...rows.filter(({ dollars, requests }) => dollars > 0.0005 || requests > 0.0005),
    line("API Gateway", "HTTP calls", rest.httpParts, rest.httpParts * dollarsPerMillion.httpCall),
    line("Lambda", "calls: authorizer and spawn", rest.lambdaCalls, rest.lambdaCalls * dollarsPerMillion.lambdaCall),
    line(
      "Lambda",
      `processor time: ${short(rest.cpuSeconds * 1000)} ms`,
      0,
      rest.cpuSeconds * cpuDollarsPerSecond * million,
    ),
    line("CloudWatch", `logs: ${short(rest.logBytes)} bytes`, 0, (rest.logBytes / 1e9) * logDollarsPerGb * million),
    line(
      "Internet",
      `${short(rest.egressBytes)} bytes to Anthropic`,
      0,
      (rest.egressBytes / 1e9) * egressDollarsPerGb * million,
    ),
  ];
}

function tableOf(title: string, rows: readonly Row[]): BenchTable {
  const total = rows.reduce(
    (sum, { writes, reads, dollars }) => ({
      writes: sum.writes + writes,
      reads: sum.reads + reads,
      dollars: sum.dollars + dollars,
    }),
    { writes: 0, reads: 0, dollars: 0 },
  );
  const cells = rows.map(({ service, step, what, requests, writes, reads, dollars }) => [
    service,
    step,
    what,
    count(requests),
    count(writes),
    count(reads),
    dollars.toFixed(3),
  ]);
  return {
    title: `${title}: a session more, and dollars a million`,
    head: ["service", "step", "what", "requests", "write units", "read units", "$ a million"],
    rows: [...cells, ["**all**", "", "", "", count(total.writes), count(total.reads), total.dollars.toFixed(2)]],
  };
}

const count = (value: number) => (Math.abs(value) < 0.0005 ? "" : String(Number(value.toFixed(3))));
