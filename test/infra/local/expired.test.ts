import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { createTable } from "../../../infra/local/aws/infrastructure.ts";
import { removeExpired } from "../../../infra/local/expired.ts";
import { tableInput } from "../../../infra/table-definition.ts";
import { useLocalAws } from "../../support/local-aws.ts";

useLocalAws();

it("what has expired is removed, and what has not, or never will, stays", async () => {
  const client = new DynamoDBClient();
  await createTable(tableInput("expiring"), { dynamo: client });
  const documents = DynamoDBDocumentClient.from(client);
  const now = Date.UTC(2026, 10, 22);
  const ends = { yesterday: now / 1000 - 86_400, "this second": now / 1000, "the next": now / 1000 + 1 };
  for (const [pk, expiresAt] of Object.entries(ends))
    await documents.send(new PutCommand({ TableName: "expiring", Item: { pk, sk: "META", expiresAt } }));
  await documents.send(new PutCommand({ TableName: "expiring", Item: { pk: "never", sk: "META" } }));
  expect(await removeExpired(documents, "expiring", now)).toBe(2);
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: "expiring" }));
  expect(Items.map(({ pk }) => String(pk)).toSorted()).toEqual(["never", "the next"]);
});
