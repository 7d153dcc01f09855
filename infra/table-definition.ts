import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

/** One attribute of a key: `S` is text, `N` a number. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: "S" | "N";
}

export interface IndexDefinition {
  readonly name: string;
  readonly partition: KeyAttribute;
  readonly sort: KeyAttribute;
  /** What it holds beside the keys; a change of these alone is one more write to it. */
  readonly includes?: readonly string[];
}

/**
 * The one table's keys and indexes as plain data, so that the stack and `npm start` cannot drift apart. Every index is
 * sparse (an item without its two attributes is not in it), and what it names is read again, strongly, before anything is
 * decided. What `due` includes is for counting a lane's work without reading its sessions.
 */
export const tableDefinition = {
  partition: { name: "pk", type: "S" },
  sort: { name: "sk", type: "S" },
  /** Seconds since the epoch, as DynamoDB's TTL wants them; deletion may lag by days, so nothing rests on it. */
  timeToLive: "expiresAt",
  indexes: [
    {
      name: "due",
      partition: { name: "due", type: "S" },
      sort: { name: "dueAt", type: "N" },
      includes: ["lane", "status", "mode", "createdAt", "askedAt", "notBefore"],
    },
    { name: "byAgent", partition: { name: "byAgent", type: "S" }, sort: { name: "listAt", type: "S" } },
    { name: "byLabel", partition: { name: "byLabel", type: "S" }, sort: { name: "listAt", type: "S" } },
  ],
} as const satisfies {
  partition: KeyAttribute;
  sort: KeyAttribute;
  timeToLive: string;
  indexes: readonly IndexDefinition[];
};

/** The same table as the input of `CreateTable`, for a DynamoDB that no stack describes. */
export function tableInput(tableName: string): CreateTableCommandInput {
  const { partition, sort, indexes } = tableDefinition;
  const attributes = new Map<string, KeyAttribute["type"]>();
  for (const key of [{ partition, sort }, ...indexes]) {
    attributes.set(key.partition.name, key.partition.type).set(key.sort.name, key.sort.type);
  }
  return {
    TableName: tableName,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: keySchema({ partition, sort }),
    AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    GlobalSecondaryIndexes: indexes.map((index: IndexDefinition) => ({
      IndexName: index.name,
      KeySchema: keySchema(index),
      Projection:
        index.includes === undefined
          ? { ProjectionType: "KEYS_ONLY" }
          : { ProjectionType: "INCLUDE", NonKeyAttributes: [...index.includes] },
    })),
  };
}

function keySchema(key: Pick<IndexDefinition, "partition" | "sort">): CreateTableCommandInput["KeySchema"] {
  return [
    { AttributeName: key.partition.name, KeyType: "HASH" },
    { AttributeName: key.sort.name, KeyType: "RANGE" },
  ];
}
