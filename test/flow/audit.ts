import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { startDynamo } from "../../infra/local/aws/dynamodb.ts";
import { deliveredTurns } from "../support/deliveries.ts";
import type { Json } from "./support.ts";

/** What lies in the data folder of a system that was stopped and had nothing left to do. @returns what should not be there */
export async function auditHome(home: string): Promise<string[]> {
  return [...leftInQueues(home), ...(await leftInTable(home))];
}

function messagesIn(home: string): Map<string, number> {
  const database = new DatabaseSync(join(home, "sqs.sqlite"), { readOnly: true });
  try {
    const rows: Json[] = database.prepare("SELECT queue, count(*) AS messages FROM messages GROUP BY queue").all();
    return new Map(rows.map(({ queue, messages }) => [queue, messages]));
  } finally {
    database.close();
  }
}

function leftInQueues(home: string): string[] {
  return [...messagesIn(home)].map(([queue, messages]) => `${messages} messages are left in ${queue}`);
}

async function leftInTable(home: string): Promise<string[]> {
  const dynamo = await startDynamo(join(home, "dynamodb.sqlite"));
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint: dynamo.url, region: "us-east-1", credentials });
  try {
    const pages = paginateScan({ client: DynamoDBDocumentClient.from(client) }, { TableName: "offpeak" });
    const items: Json[] = [];
    for await (const { Items = [] } of pages) items.push(...Items);
    const isDelivered = deliveredTurns(items);
    return items.flatMap((item) => problemOf(item, isDelivered(item)));
  } finally {
    client.destroy();
    await dynamo.close();
  }
}

function problemOf(item: Json, isDelivered: boolean): string[] {
  const { pk, sk, status, state, due } = item;
  // What died before its call stays abandoned for as long as a batcher can run; it holds nobody, as the sessions show.
  if (pk === "OPEN") return item.count === 0 ? [] : [`${sk} is still open`];
  if (sk === "HEAD" && !["settled", "closed", "abandoned"].includes(state)) return [`${pk} is ${state}`];
  if (sk !== "META") return [];
  const isOver = ["done", "failed", "canceled", "timeout"].includes(status) && isDelivered && due === undefined;
  return isOver ? [] : [`${pk} is ${status}, delivered: ${String(isDelivered)}, due: ${String(due)}`];
}
