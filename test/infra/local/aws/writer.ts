import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createQueues, createTable } from "../../../../infra/local/aws/infrastructure.ts";
import { startLocalAws } from "../../../../infra/local/aws/start.ts";
import { lockHome } from "../../../../infra/local/home.ts";

/**
 * Run as a process of its own, to be killed: starts the local AWS in the folder named by its argument, says where, writes to
 * the table and to the queue without end, and prints each name once its write has been acknowledged.
 */
const [, , home = ""] = process.argv;
lockHome(home);
const aws = await startLocalAws({ home, secrets: () => ({}) });
Object.assign(process.env, aws.environment);
const dynamo = new DynamoDBClient({});
const sqs = new SQSClient({});
await createTable(
  {
    TableName: "written",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  },
  { dynamo },
);
const [queue] = await createQueues([{ name: "written", maxReceiveCount: 5, visibilityTimeoutSeconds: 30 }], { sqs });
console.log(`environment ${JSON.stringify(aws.environment)}`);

async function putWithoutEnd(writer: number): Promise<never> {
  for (let at = 0; ; at += 1) {
    await dynamo.send(new PutItemCommand({ TableName: "written", Item: { pk: { S: `${writer}-${at}` } } }));
    console.log(`put ${writer}-${at}`);
  }
}

async function sendWithoutEnd(writer: number): Promise<never> {
  for (let at = 0; ; at += 1) {
    await sqs.send(new SendMessageCommand({ QueueUrl: queue?.url, MessageBody: `${writer}-${at}` }));
    console.log(`sent ${writer}-${at}`);
  }
}

await Promise.all([1, 2, 3, 4].flatMap((writer) => [putWithoutEnd(writer), sendWithoutEnd(writer)]));
