import { gzipSync } from "node:zlib";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { createDynamoDb } from "../../functions/clients/dynamodb.ts";
import { newUlid } from "../../functions/clients/system.ts";
import { mapConcurrently } from "../../functions/domain/concurrently.ts";
import { maxSockets } from "../../functions/domain/limits.ts";
import { ownerVerdict } from "../support/rooms.ts";
import { atLeast, type Bench, type Figure, pairs, type Section, seconds } from "./measure.ts";
import { loadRooms, quietly, startServices } from "./system.ts";
import { prose } from "./texts.ts";

const levels = [1, 16, 64];
const calls = 300;
const config = { agents: { list: [{ id: "worker" }] } };
const verdict = { event: { requestContext: { authorizer: { lambda: ownerVerdict } } } };

/** What our rules and parsing take beside the calls themselves, which both sides make. */
export const spawn: Bench = {
  name: "spawn",
  title: "spawn, against a handler that makes the same AWS calls and nothing else",
  async run(runs): Promise<Section> {
    const services = await startServices(config, { answerBytes: 10 });
    try {
      const rooms = await loadRooms();
      const app = rooms.spawn.app();
      const task = prose(2_048, 1);
      const bodies = Array.from({ length: calls }, () => JSON.stringify({ task: task() }));
      const bare = bareHandler(services.queueUrls.get("default") ?? "", task());
      let next = 0;
      const ours = async () => {
        next += 1;
        const body = bodies[next % calls] ?? "";
        const answer = await app.request("/api/sessions/spawn", { method: "POST", body }, verdict);
        if (answer.status !== 202) throw new Error(await answer.text());
      };
      const figures: Figure[] = [];
      await quietly(async () => {
        for (const level of levels) figures.push(...(await compare(level, runs, ours, bare)));
      });
      return { figures, tables: [], notes: [`${calls} calls a run, against the emulators of \`npm start\`.`] };
    } finally {
      await services.stop();
    }
  },
};

async function compare(
  level: number,
  runs: number,
  ours: () => Promise<void>,
  bare: () => Promise<void>,
): Promise<Figure[]> {
  const slowest: Record<"ours" | "bare", number[]> = { ours: [], bare: [] };
  const rateOf = async (side: "ours" | "bare", call: () => Promise<void>) => {
    const times: number[] = [];
    const taken = await seconds(() =>
      mapConcurrently(Array.from({ length: calls }), level, async () => void times.push(await seconds(call))),
    );
    slowest[side].push((times.toSorted((a, b) => a - b)[Math.floor(calls * 0.99)] ?? 0) * 1000);
    return calls / taken;
  };
  const rates = await pairs(
    runs,
    () => rateOf("ours", ours),
    () => rateOf("bare", bare),
  );
  return [
    { what: `rate at ${level}, ours against bare`, unit: "", samples: rates.ratios, target: atLeast(0.85) },
    { what: `rate at ${level}`, unit: "a second", samples: rates.ours },
    { what: `p99 at ${level}`, unit: "ms", samples: slowest.ours.slice(1) },
    { what: `p99 at ${level}, bare`, unit: "ms", samples: slowest.bare.slice(1) },
  ];
}

/** The same two inserts and the same message, of the same sizes. */
function bareHandler(QueueUrl: string, task: string): () => Promise<void> {
  const client = createDynamoDb();
  const sqs = new SQSClient({ requestHandler: { httpAgent: { maxSockets } } });
  const bytes = new Uint8Array(gzipSync(task));
  const facts = {
    model: "claude-haiku-5-5",
    mode: "batch",
    lane: "default",
    why: "batch, the default",
    status: "queued",
    zeroDataRetention: false,
    onDeadline: "wait",
    turn: 1,
    attempt: 1,
    sendNo: 1,
    notBefore: 0,
    v: 1,
  };
  const when = {
    TableName: "offpeak",
    ConditionExpression: "attribute_not_exists(#c0)",
    ExpressionAttributeNames: { "#c0": "pk" },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
  return async () => {
    const sessionId = newUlid();
    const pk = `SESSION#${sessionId}`;
    const ids = {
      sessionKey: `agent:worker:dashboard:${sessionId}`,
      agentId: "worker",
      client: "owner",
      createdAt: Date.now(),
      ...facts,
    };
    const known = { sessionId, ...ids };
    const request = {
      pk,
      sk: "REQUEST#0001",
      turn: 1,
      hash: "0".repeat(64),
      body: { kind: "gzip", bytes },
      acceptance: known,
    };
    await client.send(new PutCommand({ ...when, Item: request }));
    const indexed = { due: "rescue#1", dueAt: Date.now(), byAgent: "worker#1", listAt: new Date().toISOString() };
    await client.send(new PutCommand({ ...when, Item: { pk, sk: "META", ...known, ...indexed } }));
    const MessageBody = JSON.stringify({ sessionId, turn: 1, attempt: 1, sendNo: 1 });
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody }] }));
  };
}
