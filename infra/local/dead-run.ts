import { type DynamoDBDocumentClient, paginateQuery, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { dueShards } from "../../functions/domain/limits.ts";

/**
 * Ends what a run that is dead was still holding: whoever holds the lock of the data folder knows that nobody else does.
 * Leases need not be waited for, a real-time call that was under way is over, and who was only given time to be taken from
 * the queue is looked at again: the message may never have been sent.
 */
export async function endDeadRun(client: DynamoDBDocumentClient, TableName: string, now: number): Promise<void> {
  const leases = await client.send(
    new QueryCommand({ TableName, KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": "LEASE" } }),
  );
  for (const { pk, sk } of leases.Items ?? []) {
    await client.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk },
        UpdateExpression: "SET #until = :zero",
        ExpressionAttributeNames: { "#until": "until" },
        ExpressionAttributeValues: { ":zero": 0 },
      }),
    );
  }
  for (let shard = 0; shard < dueShards; shard += 1) {
    for (const purpose of ["rescue", "deadline"]) await wake({ client, TableName, shard }, purpose, now);
  }
}

interface Place {
  client: DynamoDBDocumentClient;
  TableName: string;
  shard: number;
}

/** Everyone who would be looked at later and waits for nothing but the dead run is looked at now. */
async function wake(place: Place, purpose: string, now: number): Promise<void> {
  const { client, TableName, shard } = place;
  const pages = paginateQuery(
    { client },
    {
      TableName,
      IndexName: "due",
      KeyConditionExpression: "due = :due AND dueAt > :now",
      ExpressionAttributeValues: { ":due": `${purpose}#${shard}`, ":now": now },
    },
  );
  const keys: { pk: unknown; sk: unknown }[] = [];
  for await (const { Items = [] } of pages) keys.push(...Items.map(({ pk, sk }) => ({ pk, sk })));
  for (const key of keys) {
    const isRunning = await setDue(place, key, { now, set: ", runEndsAt = :now", condition: "#status = :running" });
    if (!isRunning) await setDue(place, key, { now, set: "", condition: "#status = :queued AND notBefore <= :now" });
  }
}

/** @returns whether the session was in that state */
async function setDue(
  { client, TableName, shard }: Place,
  Key: { pk: unknown; sk: unknown },
  { now, set, condition }: { now: number; set: string; condition: string },
): Promise<boolean> {
  const status = condition.includes(":queued") ? { ":queued": "queued" } : { ":running": "running" };
  try {
    await client.send(
      new UpdateCommand({
        TableName,
        Key,
        UpdateExpression: `SET dueAt = :now, due = :rescue${set}`,
        ConditionExpression: condition,
        ExpressionAttributeNames: { "#status": "status" },
        ExpressionAttributeValues: { ":now": now, ":rescue": `rescue#${shard}`, ...status },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "ConditionalCheckFailedException") return false;
    throw error;
  }
}
