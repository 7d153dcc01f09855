import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Clock } from "../domain/clock.ts";
import { compileClauses, compileUpdate, writeToTransactItem } from "./dynamodb-expressions.ts";
import { boundedRequests } from "./request-handler.ts";
import type { Change, Found, IndexQuery, Item, Key, Page, Put, Query, Table, Write } from "./table.ts";

/** The store is asked at most this often before a tick gives up and the next one goes on. */
const maxAttempts = 5;
/** DynamoDB: items a `BatchGetItem`. */
const itemsPerBatchGet = 100;
const requestTimeoutMs = 10_000;

export function createDynamoDb(): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts,
    retryMode: "standard",
    requestHandler: boundedRequests(requestTimeoutMs),
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** The table as the store sees it: strong reads, conditional writes, and an index that may lag. */
export function dynamoTable(client: DynamoDBDocumentClient, TableName: string, clock: Clock): Table {
  return {
    async get(key) {
      const { Item: item } = await client.send(new GetCommand({ TableName, Key: keyOf(key), ConsistentRead: true }));
      return item === undefined ? undefined : toItem(item);
    },
    getMany: (keys) => getMany(client, TableName, keys, clock),
    insert: (item) => unheld(clock, () => put(client, TableName, { item, when: [{ attribute: "pk", is: "absent" }] })),
    put: (write) => unheld(clock, () => put(client, TableName, write)),
    update: (change) => unheld(clock, () => update(client, TableName, change)),
    transact: (writes) => transact(client, TableName, writes, clock),
    query: (query) => runQuery(client, { TableName, ConsistentRead: true, ...queryInput(query) }),
    queryIndex: (query) => runQuery(client, { TableName, IndexName: query.index, ...indexInput(query) }),
  };
}

function keyOf({ pk, sk }: Key): Key {
  return { pk, sk };
}

/** Every item of the table has its two key attributes as strings; the rest is parsed by the store. */
export function toItem(attributes: Record<string, unknown>): Item {
  const { pk, sk } = attributes;
  return { ...attributes, pk: String(pk), sk: String(sk) };
}

async function getMany(
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly Key[],
  clock: Clock,
): Promise<Item[]> {
  const found: Item[] = [];
  let left = keys.map(keyOf);
  for (let round = 0; left.length > 0; round += 1) {
    const now = left.slice(0, itemsPerBatchGet);
    const answer = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: now, ConsistentRead: true } } }),
    );
    found.push(...(answer.Responses?.[table] ?? []).map(toItem));
    const unprocessed = (answer.UnprocessedKeys?.[table]?.Keys ?? []).map(toItem).map(keyOf);
    left = [...unprocessed, ...left.slice(itemsPerBatchGet)];
    if (unprocessed.length > 0) await clock.sleep(Math.min(1_000, 20 * 2 ** Math.min(round, 6)));
  }
  return found;
}

async function put(client: DynamoDBDocumentClient, TableName: string, { item, when }: Put): Promise<Found> {
  const { names, values, condition } = compileClauses(when);
  try {
    await client.send(
      new PutCommand({
        TableName,
        Item: item,
        ...(condition === undefined ? {} : { ConditionExpression: condition, ExpressionAttributeNames: names }),
        ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return { moved: true, item };
  } catch (error) {
    return refusedOrThrow(error);
  }
}

async function update(client: DynamoDBDocumentClient, TableName: string, change: Change): Promise<Found> {
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName,
        Key: keyOf(change.key),
        ...compileUpdate(change),
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return { moved: true, item: toItem({ ...keyOf(change.key), ...Attributes }) };
  } catch (error) {
    return refusedOrThrow(error);
  }
}

/** Refused is an answer, with what is there instead; every other failure is an exception. */
function refusedOrThrow(error: unknown): Found {
  if (!(error instanceof ConditionalCheckFailedException)) throw error;
  const { Item: raw } = error;
  if (raw === undefined) return { moved: false };
  return { moved: false, current: toItem(unmarshall(raw)) };
}

/** A transaction held the item; nothing was written, so the same write may be sent again. */
async function unheld(clock: Clock, write: () => Promise<Found>): Promise<Found> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof TransactionConflictException) || attempt >= maxAttempts) throw error;
      await clock.sleep(20 * 2 ** attempt);
    }
  }
}

async function transact(
  client: DynamoDBDocumentClient,
  table: string,
  writes: readonly Write[],
  clock: Clock,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.send(
        new TransactWriteCommand({ TransactItems: writes.map((write) => writeToTransactItem(table, write)) }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      if (codes.includes("ConditionalCheckFailed")) return false;
      // Another writer held one of the items; nothing was written, so the same transaction may be sent again.
      if (!codes.includes("TransactionConflict") || attempt >= maxAttempts) throw error;
      await clock.sleep(20 * 2 ** attempt);
    }
  }
}

type QueryParts = Omit<QueryCommandInput, "TableName">;

function queryInput({ pk, prefix, after, limit, newestFirst }: Query): QueryParts {
  return {
    KeyConditionExpression: prefix === undefined ? "pk = :pk" : "pk = :pk AND begins_with(sk, :prefix)",
    ExpressionAttributeValues: { ":pk": pk, ...(prefix === undefined ? {} : { ":prefix": prefix }) },
    ScanIndexForward: newestFirst !== true,
    ...(after === undefined ? {} : { ExclusiveStartKey: after }),
    ...(limit === undefined ? {} : { Limit: limit }),
  };
}

function indexInput({ partition, sort, upTo, below, after, limit, newestFirst }: IndexQuery): QueryParts {
  const bound = upTo ?? below;
  const comparison = upTo === undefined ? "<" : "<=";
  return {
    KeyConditionExpression: `#partition = :partition${bound === undefined ? "" : ` AND #sort ${comparison} :bound`}`,
    ExpressionAttributeNames: { "#partition": partition.attribute, ...(bound === undefined ? {} : { "#sort": sort }) },
    ExpressionAttributeValues: { ":partition": partition.value, ...(bound === undefined ? {} : { ":bound": bound }) },
    ScanIndexForward: newestFirst !== true,
    ...(after === undefined ? {} : { ExclusiveStartKey: after }),
    Limit: limit,
  };
}

async function runQuery(client: DynamoDBDocumentClient, input: QueryCommandInput): Promise<Page> {
  const { Items = [], LastEvaluatedKey: last } = await client.send(new QueryCommand(input));
  return { items: Items.map(toItem), ...(last === undefined ? {} : { next: toItem(last) }) };
}
