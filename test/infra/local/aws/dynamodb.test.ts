import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBinary, type LocalDynamo, startDynamo } from "../../../../infra/local/aws/dynamodb.ts";
import { createTable } from "../../../../infra/local/aws/infrastructure.ts";
import { clientOptions, databasesOn, temporaryHome, until } from "./support.ts";

const definition = {
  TableName: "sessions",
  BillingMode: "PAY_PER_REQUEST" as const,
  AttributeDefinitions: ["pk", "sk", "due"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" as const },
    { AttributeName: "sk", KeyType: "RANGE" as const },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: "by-due",
      KeySchema: [
        { AttributeName: "sk", KeyType: "HASH" as const },
        { AttributeName: "due", KeyType: "RANGE" as const },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" as const },
    },
  ],
};
const item = (pk: string, more: Record<string, { S: string }> = {}) => ({ pk: { S: pk }, sk: { S: "META" }, ...more });

describe("the local DynamoDB", () => {
  let home: string;
  let database: LocalDynamo;
  let dynamo: DynamoDBClient;
  const TableName = "sessions";

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "offpeak-test-"));
    database = await startDynamo(join(home, "dynamodb.sqlite"));
    dynamo = new DynamoDBClient({ ...clientOptions, endpoint: database.url });
    await createTable(definition, { dynamo });
  });
  afterAll(async () => {
    dynamo.destroy();
    await database.close();
    rmSync(home, { recursive: true, force: true });
  });

  it("refuses a conditional write and returns the item that stood in its way", async () => {
    const put = (state: string) =>
      dynamo.send(
        new PutItemCommand({
          TableName,
          Item: item("conditional", { state: { S: state } }),
          ConditionExpression: "attribute_not_exists(pk)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
    await put("first");
    const refused = await put("second").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConditionalCheckFailedException);
    expect(refused).toMatchObject({ Item: { state: { S: "first" } } });
  });

  it("writes a transaction whole or not at all", async () => {
    const write = (...pks: string[]) =>
      dynamo.send(
        new TransactWriteItemsCommand({
          TransactItems: pks.map((pk) => ({
            Put: { TableName, Item: item(pk), ConditionExpression: "attribute_not_exists(pk)" },
          })),
        }),
      );
    await write("t1", "t2");
    await expect(write("t3", "t1")).rejects.toBeInstanceOf(TransactionCanceledException);
    const get = (pk: string) => dynamo.send(new GetItemCommand({ TableName, Key: item(pk), ConsistentRead: true }));
    expect((await get("t2")).Item).toEqual(item("t2"));
    expect((await get("t3")).Item).toBeUndefined();
  });

  it("answers a query on a sparse index in the order of its key", async () => {
    for (const [pk, due] of [
      ["late", "3"],
      ["soon", "1"],
      ["mid", "2"],
    ] as const) {
      await dynamo.send(new PutItemCommand({ TableName, Item: item(pk, { due: { S: due } }) }));
    }
    await dynamo.send(new PutItemCommand({ TableName, Item: item("never") }));
    const query = new QueryCommand({
      TableName,
      IndexName: "by-due",
      KeyConditionExpression: "sk = :meta AND due < :now",
      ExpressionAttributeValues: { ":meta": { S: "META" }, ":now": { S: "3" } },
    });
    expect((await dynamo.send(query)).Items?.map(({ pk }) => pk?.S)).toEqual(["soon", "mid"]);
  });

  it("takes the same table twice, but not with other indexes", async () => {
    await createTable(definition, { dynamo });
    const [index] = definition.GlobalSecondaryIndexes;
    const renamed = { ...definition, GlobalSecondaryIndexes: [{ ...index!, IndexName: "by-something" }] };
    await expect(createTable(renamed, { dynamo })).rejects.toThrow(/other keys or indexes/);
  });
});

describe("the database process", () => {
  it("is reported when it dies", async () => {
    const path = join(temporaryHome(), "dynamodb.sqlite");
    const database = await startDynamo(path);
    const failed = expect(database.failed).rejects.toThrow(/The local DynamoDB ended/);
    for (const pid of databasesOn(path)) process.kill(pid, "SIGKILL");
    await failed;
    await database.close();
  });

  it("is gone when it has been closed, and that is no failure", async () => {
    const path = join(temporaryHome(), "dynamodb.sqlite");
    const database = await startDynamo(path);
    expect(databasesOn(path)).toHaveLength(1);
    await database.close();
    await until(
      () => databasesOn(path).length,
      (count) => count === 0,
    );
    const outcome = await Promise.race([database.failed.catch(() => "failed"), Promise.resolve("quiet")]);
    expect(outcome).toBe("quiet");
  });

  it("says what is wrong when it cannot start", async () => {
    const folder = temporaryHome();
    await expect(startDynamo(folder)).rejects.toThrow(/The local DynamoDB ended \(\d+\)\. .+/);
  });

  it("tells a platform without a binary to bring its own database", () => {
    const missing = () => {
      throw new Error("Cannot find module");
    };
    expect(() => findBinary(missing)).toThrow(/set AWS_ENDPOINT_URL_DYNAMODB/);
  });
});
