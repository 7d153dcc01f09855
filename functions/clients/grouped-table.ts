import { BatchStatementErrorCodeEnum } from "@aws-sdk/client-dynamodb";
import {
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandOutput,
  type DynamoDBDocumentClient,
} from "@aws-sdk/lib-dynamodb";
import DataLoader from "dataloader";
import type { Clock } from "../domain/clock.ts";
import { nameOf } from "../domain/errors.ts";
import { statementsPerCall } from "../domain/limits.ts";
import { dynamoTable, toItem } from "./dynamodb.ts";
import { insertStatement, type Statement, updateStatement } from "./dynamodb-statements.ts";
import type { Found, Item, Key, Table } from "./table.ts";

/** A write that may go with others, and how it goes alone. */
interface Grouped {
  key: Key;
  statement: Statement;
  /** What is there where the write was made, unless the answer says it. */
  item?: Item;
  alone: () => Promise<Found>;
}

/**
 * The same table, whose inserts and updates of one moment go 25 a call: each with its own condition and its own answer, for the
 * same write units, and for a tenth of our processor time. Whatever the answer to a group leaves open is written alone, which
 * is as safe as the SDK's asking again: its condition decides.
 */
export function groupedTable(client: DynamoDBDocumentClient, TableName: string, clock: Clock): Table {
  const table = dynamoTable(client, TableName, clock);
  const loader = new DataLoader<Grouped, Found>((group) => writeGroup(group, client), {
    cache: false,
    maxBatchSize: statementsPerCall,
  });
  return {
    ...table,
    insert(item) {
      const statement = insertStatement(TableName, item);
      const alone = () => table.insert(item);
      return statement === undefined ? alone() : loader.load({ key: item, item, statement, alone });
    },
    update(change) {
      const statement = updateStatement(TableName, change);
      const alone = () => table.update(change);
      return statement === undefined ? alone() : loader.load({ key: change.key, statement, alone });
    },
  };
}

async function writeGroup(group: readonly Grouped[], client: DynamoDBDocumentClient): Promise<(Found | Error)[]> {
  // A call that names an item twice is refused as a whole.
  const together = [...new Map(group.map((one) => [`${one.key.pk} ${one.key.sk}`, one])).values()];
  const responses = together.length === 1 ? [] : await execute(together, client);
  const answers = new Map(together.map((one, place) => [one, responses[place]]));
  return Promise.all(group.map(async (one) => foundIn(answers.get(one), one) ?? one.alone().catch(toError)));
}

type Responses = NonNullable<BatchExecuteStatementCommandOutput["Responses"]>;

/** @returns nothing where the call was refused for what it says, so that nothing was written */
async function execute(group: readonly Grouped[], client: DynamoDBDocumentClient): Promise<Responses> {
  const Statements = group.map(({ statement: { text, parameters } }) => ({
    Statement: text,
    Parameters: parameters,
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  }));
  try {
    const { Responses = [] } = await client.send(new BatchExecuteStatementCommand({ Statements }));
    return Responses;
  } catch (error) {
    if (nameOf(error) !== "ValidationException") throw error;
    return [];
  }
}

/** What is certain: it was made, or refused because of what is there. */
function foundIn(response: Responses[number] | undefined, { item }: Grouped): Found | undefined {
  if (response === undefined) return undefined;
  const { Error: error, Item: after = item } = response;
  if (error === undefined) return after === undefined ? undefined : { moved: true, item: toItem(after) };
  if (error.Code !== BatchStatementErrorCodeEnum.ConditionalCheckFailed || error.Item === undefined) return undefined;
  return { moved: false, current: toItem(error.Item) };
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
