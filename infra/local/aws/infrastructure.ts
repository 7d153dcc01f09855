import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

export type QueueDefinition = { name: string; maxReceiveCount: number; visibilityTimeoutSeconds: number };
export type CreatedQueue = { name: string; url: string; deadLetterUrl: string };

/** Two weeks, the longest SQS keeps a message. */
const deadLetterRetentionSeconds = 1_209_600;

/**
 * Creates the table unless it is there.
 *
 * @throws Error when it is there with other keys or indexes: the data folder then comes from another version.
 */
export async function createTable(
  definition: CreateTableCommandInput,
  deps: { dynamo: DynamoDBClient },
): Promise<void> {
  try {
    await deps.dynamo.send(new CreateTableCommand(definition));
    return;
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  const { Table } = await deps.dynamo.send(new DescribeTableCommand({ TableName: definition.TableName }));
  if (Table !== undefined && shapeOf(Table) === shapeOf(definition)) return;
  throw new Error(
    `The table ${definition.TableName} in the data folder has other keys or indexes than this version needs. ` +
      "Start with another OFFPEAK_HOME, or with the version that made this one.",
  );
}

/** Creates each queue and its dead-letter queue `<name>-dead`, or brings the attributes of existing ones up to date. */
export async function createQueues(
  definitions: readonly QueueDefinition[],
  deps: { sqs: SQSClient },
): Promise<CreatedQueue[]> {
  const created: CreatedQueue[] = [];
  for (const { name, maxReceiveCount, visibilityTimeoutSeconds } of definitions) {
    const deadLetter = await putQueue(
      `${name}-dead`,
      { MessageRetentionPeriod: String(deadLetterRetentionSeconds) },
      deps,
    );
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetter.arn, maxReceiveCount });
    const queue = await putQueue(name, { VisibilityTimeout: String(visibilityTimeoutSeconds), RedrivePolicy }, deps);
    created.push({ name, url: queue.url, deadLetterUrl: deadLetter.url });
  }
  return created;
}

/** Creates the bucket unless it is there; in us-east-1 S3 answers the owner's second call with 200. */
export async function createBucket(name: string, deps: { s3: S3Client }): Promise<void> {
  await deps.s3.send(new CreateBucketCommand({ Bucket: name }));
}

/** Created without attributes and set after, since CreateQueue refuses a queue whose attributes have changed. */
async function putQueue(name: string, Attributes: Record<string, string>, { sqs }: { sqs: SQSClient }) {
  const url = await createOrFind(name, sqs);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  const described = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
  const arn = described.Attributes?.["QueueArn"];
  if (arn === undefined) throw new Error(`SQS gave no ARN for the queue ${name}`);
  return { url, arn };
}

async function createOrFind(name: string, sqs: SQSClient): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  if (QueueUrl === undefined) throw new Error(`SQS gave no URL for the queue ${name}`);
  return QueueUrl;
}

type KeySchema = CreateTableCommandInput["KeySchema"];
type TableShape = Pick<CreateTableCommandInput, "KeySchema" | "AttributeDefinitions"> & {
  GlobalSecondaryIndexes?: TableIndex[] | undefined;
};
type TableIndex = {
  IndexName?: string | undefined;
  KeySchema?: KeySchema;
  Projection?: { NonKeyAttributes?: string[] | undefined } | undefined;
};

function shapeOf(table: TableShape): string {
  const keys = (schema: KeySchema) => schema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`);
  const attributes = table.AttributeDefinitions?.map(
    ({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`,
  );
  const indexes = table.GlobalSecondaryIndexes?.map((index) =>
    [index.IndexName, keys(index.KeySchema), index.Projection?.NonKeyAttributes?.toSorted()].flat().join(" "),
  );
  return JSON.stringify([keys(table.KeySchema), attributes?.sort(), indexes?.sort() ?? []]);
}
