import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { dueShards } from "../../functions/domain/limits.ts";

/**
 * Ends what a run that is dead was still holding: whoever holds the lock of the data folder knows that nobody else does.
 * Leases need not be waited for, and a real-time call that was under way is over.
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
  for (let shard = 0; shard < dueShards; shard += 1) await endCalls(client, TableName, shard, now);
}

async function endCalls(client: DynamoDBDocumentClient, TableName: string, shard: number, now: number): Promise<void> {
  const watched = await client.send(
    new QueryCommand({
      TableName,
      IndexName: "due",
      KeyConditionExpression: "due = :due AND dueAt > :now",
      ExpressionAttributeValues: { ":due": `rescue#${shard}`, ":now": now },
    }),
  );
  for (const { pk, sk } of watched.Items ?? []) {
    await client
      .send(
        new UpdateCommand({
          TableName,
          Key: { pk, sk },
          UpdateExpression: "SET runEndsAt = :now, dueAt = :now",
          ConditionExpression: "#status = :running",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":now": now, ":running": "running" },
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.name === "ConditionalCheckFailedException")) throw error;
      });
  }
}
