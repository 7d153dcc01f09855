import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, type DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { tableDefinition } from "../table-definition.ts";

/** As often as this is enough: nobody looks at what has expired, removed or not. */
export const sweepSeconds = 3600;

/** Removes what has expired, which AWS does by itself and the local database does not. @returns how much that was */
export async function removeExpired(client: DynamoDBDocumentClient, TableName: string, now: number): Promise<number> {
  const names = { "#at": tableDefinition.timeToLive };
  const values = { ":now": Math.floor(now / 1000) };
  const pages = paginateScan(
    { client },
    {
      TableName,
      ProjectionExpression: "pk, sk",
      FilterExpression: "#at <= :now",
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  );
  let removed = 0;
  for await (const { Items = [] } of pages) {
    for (const { pk, sk } of Items) {
      try {
        await client.send(
          new DeleteCommand({
            TableName,
            Key: { pk, sk },
            ConditionExpression: "#at <= :now",
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
          }),
        );
        removed += 1;
      } catch (error) {
        // Somebody has put something new there meanwhile.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
  }
  return removed;
}
