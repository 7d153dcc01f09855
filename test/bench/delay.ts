import { createDynamoDb, dynamoTable } from "../../functions/clients/dynamodb.ts";
import { groupedTable } from "../../functions/clients/grouped-table.ts";
import { newUlid, systemClock } from "../../functions/clients/system.ts";
import type { Table } from "../../functions/clients/table.ts";
import { mapConcurrently } from "../../functions/domain/concurrently.ts";
import { concurrency, groupedWrites } from "../../functions/domain/limits.ts";
import { latencies, type SdkCost, type Waits, waitsOf } from "./delay-world.ts";
import { atMost, type Bench, type Section, short } from "./measure.ts";
import { startServices } from "./system.ts";

const shares = [
  ["p50", 0.5],
  ["p99", 0.99],
  ["max", 1],
] as const;
const titles = { batched: "accepted → in a batch", delivered: "batch ended → delivered" };
const tickSessions = 10_000;
const warmUp = 1_000;
/** Of one kind, twenty full groups. */
const sdkWrites = 500;
const sdkRounds = 6;

/** What a session waits for us, where the rooms compute as they do here and the services answer as late as they do on AWS. */
export const delay: Bench = {
  name: "delay",
  title: `the wait that is ours, at ${tickSessions.toLocaleString("en")} a tick of 60 s`,
  async run(runs): Promise<Section> {
    const sdk = await sdkCost();
    await waitsOf(warmUp, sdk);
    const waits: Waits[] = [];
    for (let no = 0; no < runs; no += 1) waits.push(await waitsOf(tickSessions, sdk));
    const figures = (["batched", "delivered"] as const).flatMap((step) =>
      shares.map(([name, share]) => ({
        what: `${titles[step]}, ${name}`,
        unit: "s",
        samples: waits.map((run) => at(run[step], share)),
        ...(share === 1 ? { target: atMost(65, " s") } : {}),
      })),
    );
    const longest = [
      { what: "the batcher's tick, from its call to its end", unit: "s", samples: waits.map(({ batcher }) => batcher) },
      { what: "the poller's longest tick", unit: "s", samples: waits.map(({ poller }) => poller) },
    ];
    return { figures: [...figures, ...longest], tables: [], notes: notesOf(sdk) };
  },
};

const at = (sorted: readonly number[], share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;

/** What the SDK computes for a write, as the rooms make it: to an emulator in another process. */
async function sdkCost(): Promise<SdkCost> {
  const services = await startServices({ agents: { list: [{ id: "worker" }] } }, { answerBytes: 10 });
  try {
    const client = createDynamoDb();
    const [single, grouped] = [
      dynamoTable(client, "offpeak", systemClock),
      groupedTable(client, "offpeak", systemClock),
    ];
    const callMs = await millisecondsAWrite(single, concurrency);
    return { callMs, statementMs: await millisecondsAWrite(grouped, groupedWrites) };
  } finally {
    await services.stop();
  }
}

async function millisecondsAWrite(table: Table, atOnce: number): Promise<number> {
  const write = () =>
    table.insert({
      pk: `SESSION#${newUlid()}`,
      sk: "META",
      status: "queued",
      model: "claude-haiku-5-5",
      createdAt: 1,
    });
  const rounds: number[] = [];
  while (rounds.length < sdkRounds) {
    const before = process.threadCpuUsage();
    await mapConcurrently(Array.from({ length: sdkWrites }), atOnce, write);
    const { user, system } = process.threadCpuUsage(before);
    rounds.push((user + system) / 1000 / sdkWrites);
  }
  // Whatever else the machine does only ever adds to it.
  return Math.min(...rounds);
}

function notesOf({ callMs, statementMs }: SdkCost): string[] {
  const waits = Object.entries(latencies).map(([name, milliseconds]) => `${name} ${milliseconds} ms`);
  return [
    `Sessions come evenly over a tick, and their batches of 1,000 end evenly over another; the wait for the next tick is in the figures. Time is what our one thread computes, ` +
      `${short(callMs)} ms a call for the SDK and ${short(statementMs)} a statement where they go in groups (both measured in this run), and what the services are taken to need: ${waits.join(", ")}. ` +
      "So it is that of one core like this one, whatever else this machine does; a function of 1,769 MB has one.",
  ];
}
