import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { BatchExecuteStatementCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { createDynamoDb } from "../../functions/clients/dynamodb.ts";
import { insertStatement, type Statement, updateStatement } from "../../functions/clients/dynamodb-statements.ts";
import { newUlid } from "../../functions/clients/system.ts";
import type { Change } from "../../functions/clients/table.ts";
import { chunksOf, mapConcurrently } from "../../functions/domain/concurrently.ts";
import { concurrency, statementsPerCall } from "../../functions/domain/limits.ts";
import { sessionItem } from "../../functions/store/session-items.ts";
import { atLeast, type Bench, pairs, type Section, seconds } from "./measure.ts";
import { sessionAt } from "./synthetic.ts";
import { loadRooms, quietly, startServices } from "./system.ts";
import { prose } from "./texts.ts";

const count = 2_000;
/** A call of a bulk spawn; a busy machine has no time for a thousand in the seconds that one may take. */
const perCall = 200;
const config = {
  agents: { list: [{ id: "worker", delivery: "digest" }] },
  lanes: [{ id: "default", maxBatchRequests: count }],
};

/** Our reading of results beside the writes it makes, made as fast as this store takes them. */
export const settle: Bench = {
  name: "settle",
  title: "settling a batch, against the same writes without any logic",
  async run(runs): Promise<Section> {
    const services = await startServices(config, { answerBytes: 2_000 });
    try {
      const rooms = await loadRooms();
      const task = prose(2_048, 1);
      const ours = async () => {
        let taken = 0;
        await quietly(async () => {
          for (let spawned = 0; spawned < count; spawned += perCall) {
            const body = JSON.stringify(Array.from({ length: perCall }, () => ({ task: task() })));
            await rooms.call("/api/sessions/spawn/bulk", { method: "POST", body });
          }
          await rooms.batcher.handler({ lane: "default" }, undefined);
          taken = await seconds(() => rooms.poller.handler(undefined, undefined));
        });
        return count / taken;
      };
      const theirs = async () => {
        const ids = await writeSessions();
        return count / (await seconds(() => bareWrites(ids)));
      };
      const rates = await pairs(runs, ours, theirs);
      return {
        figures: [
          { what: "rate, ours against the writes alone", unit: "", samples: rates.ratios, target: atLeast(0.8) },
          { what: "rate", unit: "a second", samples: rates.ours },
          { what: "rate of the writes alone", unit: "a second", samples: rates.theirs },
        ],
        tables: [],
        notes: [
          `${count.toLocaleString("en")} results of 2.5 KB, to the emulators of \`npm start\`. Both sides write the same statements, 25 a call and eight calls at once; ours reads the results, and makes the sum for the books as well.`,
        ],
      };
    } finally {
      await services.stop();
    }
  },
};

/** As they are when their batch has ended. */
async function writeSessions(): Promise<string[]> {
  const client = createDynamoDb();
  const ids = Array.from({ length: count }, () => newUlid());
  await mapConcurrently(ids, concurrency, async (sessionId) => {
    const Item = sessionItem(sessionAt(sessionId, "submitted"), undefined);
    await client.send(new PutCommand({ TableName: "offpeak", Item }));
  });
  return ids;
}

const refusal = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
const usage = { input: 1_000, output: 1_000, cacheRead: 0, cacheWrite: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

/** As the product says the two writes, since it is its rules and its reading that are left out, and not the text. */
function insertOf(sessionId: string, page: string, facts: object) {
  const body = { kind: "part", key: page, from: 0, to: 1_200 };
  return callOf(insertStatement("offpeak", { pk: `SESSION#${sessionId}`, sk: "RESULT#0001#x", ...facts, usage, body }));
}

function updateOf(sessionId: string, winner: string) {
  const change: Change = {
    key: { pk: `SESSION#${sessionId}`, sk: "META" },
    set: { winner, stopReason: "end_turn", endedAt: Date.now(), page: 1, status: "done" },
    remove: ["due"],
    when: [
      { attribute: "status", is: "oneOf", values: ["queued", "submitted", "running"] },
      { attribute: "turn", is: "equal", value: 1 },
    ],
  };
  return callOf(updateStatement("offpeak", change));
}

function callOf(statement: Statement | undefined) {
  return { Statement: statement?.text, Parameters: statement?.parameters, ...refusal };
}

/** Of each result its entry and the move; of each page an object, an event, and the note of its delivery. */
async function bareWrites(ids: readonly string[]): Promise<void> {
  const client = createDynamoDb();
  const [s3, events] = [new S3Client({ forcePathStyle: true }), new EventBridgeClient()];
  const facts = { turn: 1, source: newUlid(), type: "succeeded", billed: true, tier: "batch", receivedAt: Date.now() };
  for (const page of chunksOf(ids, 200)) {
    await s3.send(
      new PutObjectCommand({ Bucket: "offpeak", Key: `bench/${page[0]}`, Body: Buffer.alloc(240_000, "x") }),
    );
    const inserts = page.map((sessionId) => insertOf(sessionId, page[0] ?? "", facts));
    const updates = page.map((sessionId) => updateOf(sessionId, facts.source));
    for (const statements of [inserts, updates]) {
      await mapConcurrently(chunksOf(statements, statementsPerCall), concurrency, (Statements) =>
        client.send(new BatchExecuteStatementCommand({ Statements })),
      );
    }
    const Detail = JSON.stringify({ ids: page });
    const entry = { EventBusName: "offpeak", Source: "bench", DetailType: "bench", Detail };
    await events.send(new PutEventsCommand({ Entries: [entry] }));
    const told = { pk: `MANIFEST#${facts.source}`, sk: `DELIVERED#${page[0]}`, turns: page.map((id) => `${id}.1`) };
    await client.send(new PutCommand({ TableName: "offpeak", Item: told }));
  }
}
