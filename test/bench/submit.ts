import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { BatchGetCommand, GetCommand } from "@aws-sdk/lib-dynamodb";
import { createDynamoDb } from "../../functions/clients/dynamodb.ts";
import { chunksOf, mapConcurrently } from "../../functions/domain/concurrently.ts";
import { concurrency, messagesPerCall } from "../../functions/domain/limits.ts";
import { batchRequestLine } from "../../functions/domain/turn-request.ts";
import { atLeast, type Bench, pairs, type Section, seconds } from "./measure.ts";
import { loadRooms, quietly, startServices } from "./system.ts";
import { prose } from "./texts.ts";

const count = 1_000;
/** A call of a bulk spawn. */
const perCall = 200;
type Key = Record<"pk" | "sk", string>;
const taskBytes = 2_250;
/** Receive calls side by side, as the batcher makes them. */
const receivers = 4;
/** Items a call: one, or as many as DynamoDB takes. */
type ReadSize = 1 | 100;
const config = {
  agents: { list: [{ id: "worker", cacheRetention: "none" }] },
  lanes: [{ id: "default", maxBatchRequests: count }],
};

/** From what waits in a queue to an accepted batch, beside the same sessions received, read and uploaded. */
export const submit: Bench = {
  name: "submit",
  title: "sessions into a batch, against receiving, reading and uploading the same",
  async run(runs): Promise<Section> {
    const services = await startServices(config, { answerBytes: 10 });
    try {
      const rooms = await loadRooms();
      const task = prose(taskBytes, 1);
      const spawnAll = async () => {
        for (let spawned = 0; spawned < count; spawned += perCall) {
          const body = JSON.stringify(Array.from({ length: perCall }, () => ({ task: task() })));
          await rooms.call("/api/sessions/spawn/bulk", { method: "POST", body });
        }
      };
      const bare = (size: ReadSize) => bareSubmit(services.queueUrls.get("default") ?? "", task(), size);
      const rateOf = async (work: () => Promise<unknown>) => {
        let taken = 0;
        await quietly(async () => {
          await spawnAll();
          taken = await seconds(work);
        });
        return count / taken;
      };
      const ours = () => rateOf(() => rooms.batcher.handler({ lane: "default" }, undefined));
      const rates = await pairs(runs, ours, () => rateOf(bare(1)));
      const inBulk = await pairs(runs, ours, () => rateOf(bare(100)));
      return {
        figures: [
          { what: "rate, ours against the bare calls", unit: "", samples: rates.ratios, target: atLeast(0.7) },
          { what: "rate", unit: "a second", samples: rates.ours },
          { what: "rate of the bare calls", unit: "a second", samples: rates.theirs },
          { what: "ours against bare calls that read a hundred items each", unit: "", samples: inBulk.ratios },
          { what: "rate of those", unit: "a second", samples: inBulk.theirs },
        ],
        tables: [],
        notes: [
          `${count.toLocaleString("en")} sessions of 2.5 KB, to the emulators of \`npm start\`, ${concurrency} calls at once on both sides. The bare side receives ten messages a call, reads the two items of each, and uploads as many bytes; ours reads a hundred items a call, and also compresses what waits, writes a manifest, claims each session by a conditional statement of its own, and deletes the messages.`,
        ],
      };
    } finally {
      await services.stop();
    }
  },
};

function bareSubmit(QueueUrl: string, task: string, size: ReadSize): () => Promise<void> {
  const sqs = new SQSClient();
  const client = createDynamoDb();
  const params = { model: "claude-haiku-5-5", max_tokens: 4_096, messages: [{ role: "user", content: task }] };
  const id = { sessionId: "0".repeat(26), turn: 1, manifestId: "0".repeat(26) };
  const line = batchRequestLine(id, JSON.stringify(params));
  const read = (keys: readonly Key[]): Promise<unknown> => {
    const [Key] = keys;
    if (size === 1) return client.send(new GetCommand({ TableName: "offpeak", Key, ConsistentRead: true }));
    return client.send(new BatchGetCommand({ RequestItems: { offpeak: { Keys: [...keys], ConsistentRead: true } } }));
  };
  const receive = async (): Promise<string[]> => {
    const call = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: messagesPerCall });
    const { Messages = [] } = await sqs.send(call);
    return Messages.map(({ Body = "" }) => /"sessionId":"(\w+)"/.exec(Body)?.[1] ?? "");
  };
  return async () => {
    const ids: string[] = [];
    while (ids.length < count) {
      const some = await Promise.all(Array.from({ length: receivers }, receive));
      ids.push(...some.flat());
    }
    const keys = ids.flatMap((id) => ["META", "REQUEST#0001"].map((sk) => ({ pk: `SESSION#${id}`, sk })));
    await mapConcurrently(chunksOf(keys, size), concurrency, (some) => read(some));
    const body = `{"requests":[${ids.map(() => line).join(",")}]}`;
    const url = `${process.env["ANTHROPIC_BASE_URL"]}/v1/messages/batches`;
    const answer = await fetch(url, { method: "POST", body });
    await answer.text();
  };
}
