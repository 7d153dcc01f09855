import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { createDynamoDb } from "../../functions/clients/dynamodb.ts";
import { newUlid } from "../../functions/clients/system.ts";
import { mapConcurrently } from "../../functions/domain/concurrently.ts";
import { concurrency } from "../../functions/domain/limits.ts";
import { latencies, type Waits, waitsOf } from "./delay-world.ts";
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
const sdkCalls = 500;
const sdkRounds = 6;

/** What a session waits for us, where the rooms compute as they do here and the services answer as late as they do on AWS. */
export const delay: Bench = {
  name: "delay",
  title: `the wait that is ours, at ${tickSessions.toLocaleString("en")} a tick of 60 s`,
  async run(runs): Promise<Section> {
    const sdkMs = await sdkMilliseconds();
    await waitsOf(warmUp, sdkMs);
    const waits: Waits[] = [];
    for (let no = 0; no < runs; no += 1) waits.push(await waitsOf(tickSessions, sdkMs));
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
    return { figures: [...figures, ...longest], tables: [], notes: notesOf(sdkMs) };
  },
};

const at = (sorted: readonly number[], share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;

/** What the SDK computes for a call, as the rooms make them: to an emulator in another process. */
async function sdkMilliseconds(): Promise<number> {
  const services = await startServices({ agents: { list: [{ id: "worker" }] } }, { answerBytes: 10 });
  try {
    const client = createDynamoDb();
    const put = () =>
      client.send(
        new PutCommand({
          TableName: "offpeak",
          ConditionExpression: "attribute_not_exists(pk)",
          Item: { pk: `SESSION#${newUlid()}`, sk: "META", status: "queued", model: "claude-haiku-5-5", createdAt: 1 },
        }),
      );
    const rounds: number[] = [];
    while (rounds.length < sdkRounds) {
      const before = process.threadCpuUsage();
      await mapConcurrently(Array.from({ length: sdkCalls }), concurrency, put);
      const { user, system } = process.threadCpuUsage(before);
      rounds.push((user + system) / 1000 / sdkCalls);
    }
    // Whatever else the machine does only ever adds to it.
    return Math.min(...rounds);
  } finally {
    await services.stop();
  }
}

function notesOf(sdkMs: number): string[] {
  const waits = Object.entries(latencies).map(([name, milliseconds]) => `${name} ${milliseconds} ms`);
  return [
    `Sessions come evenly over a tick, and their batches of 1,000 end evenly over another; the wait for the next tick is in the figures. Time is what our one thread computes, ` +
      `${short(sdkMs)} ms a call for the SDK (measured in this run), and what the services are taken to need: ${waits.join(", ")}. ` +
      "So it is that of one core like this one, whatever else this machine does; a function of 1,769 MB has one.",
  ];
}
