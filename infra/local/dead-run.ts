import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { dueShards, realtimeLeaseSeconds } from "../../functions/domain/limits.ts";

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
  for (let shard = 0; shard < dueShards; shard += 1) {
    for (const purpose of ["rescue", "deadline"]) await endCalls({ client, TableName, purpose, shard }, now);
  }
}

/** A call under way is looked at when its lease ends at the latest; whatever is due later is none. */
async function endCalls(
  {
    client,
    TableName,
    purpose,
    shard,
  }: { client: DynamoDBDocumentClient; TableName: string; purpose: string; shard: number },
  now: number,
): Promise<void> {
  const watched = await client.send(
    new QueryCommand({
      TableName,
      IndexName: "due",
      KeyConditionExpression: "due = :due AND dueAt BETWEEN :now AND :last",
      ExpressionAttributeValues: {
        ":due": `${purpose}#${shard}`,
        ":now": now,
        ":last": now + realtimeLeaseSeconds * 1000,
      },
    }),
  );
  for (const { pk, sk } of watched.Items ?? []) {
    await client
      .send(
        new UpdateCommand({
          TableName,
          Key: { pk, sk },
          UpdateExpression: "SET runEndsAt = :now, dueAt = :now, due = :rescue",
          ConditionExpression: "#status = :running",
          ExpressionAttributeNames: { "#status": "status" },
          ExpressionAttributeValues: { ":now": now, ":running": "running", ":rescue": `rescue#${shard}` },
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.name === "ConditionalCheckFailedException")) throw error;
      });
  }
}
