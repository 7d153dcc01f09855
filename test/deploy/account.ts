import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { PutBucketTaggingCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { Json } from "../flow/support.ts";
import { region } from "./place.ts";
import type { Outputs } from "./stack.ts";

const ruleName = "of-the-tests";
const largestReceive = 10;

/** What the owner of the account does there, with the outputs of the deployment. */
export function accountOf(endpoint: string, outputs: Outputs) {
  const options = { endpoint, region, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const [secrets, events, sqs] = [
    new SecretsManagerClient(options),
    new EventBridgeClient(options),
    new SQSClient(options),
  ];
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  const EventBusName = outputs["EventBusName"];
  /** The outputs are commands for a shell, which name the secret. */
  const secretIn = (command: string | undefined) => /--secret-id (\S+)/.exec(command ?? "")?.[1];
  return {
    putApiKey: (SecretString: string) =>
      secrets.send(new PutSecretValueCommand({ SecretId: secretIn(outputs["SetApiKey"]), SecretString })),
    readToken: async () =>
      (await secrets.send(new GetSecretValueCommand({ SecretId: secretIn(outputs["ReadToken"]) }))).SecretString ?? "",
    async putEvent(detail: object): Promise<void> {
      const entry = { EventBusName, Source: "my.app", DetailType: "offpeak.spawn", Detail: JSON.stringify(detail) };
      const { FailedEntryCount } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (FailedEntryCount !== 0) throw new Error("the bus did not take the event");
    },
    /** A rule for the ends of turns, and a queue behind it, as a consumer of Offpeak's has them. */
    async listen() {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: ruleName }));
      const wanted = { QueueUrl, AttributeNames: ["QueueArn" as const] };
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand(wanted));
      const EventPattern = JSON.stringify({ source: ["offpeak"], "detail-type": ["session.completed"] });
      await events.send(new PutRuleCommand({ Name: ruleName, EventBusName, EventPattern }));
      const Targets = [{ Id: ruleName, Arn: Attributes?.["QueueArn"] }];
      await events.send(new PutTargetsCommand({ Rule: ruleName, EventBusName, Targets }));
      const heard: Json[] = [];
      return {
        async heard(): Promise<Json[]> {
          for (;;) {
            const receive = { QueueUrl, MaxNumberOfMessages: largestReceive, VisibilityTimeout: 3_600 };
            const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(receive));
            heard.push(...Messages.map(({ Body = "" }) => JSON.parse(Body)));
            if (Messages.length === 0) return heard;
          }
        },
        async stop(): Promise<void> {
          await events.send(new RemoveTargetsCommand({ Rule: ruleName, EventBusName, Ids: [ruleName] }));
          await events.send(new DeleteRuleCommand({ Name: ruleName, EventBusName }));
          await sqs.send(new DeleteQueueCommand({ QueueUrl }));
        },
      };
    },
    /** What the template says of a bucket that is to be emptied, and the emulator forgets: CDK's function looks for it. With a body in it. */
    async prepareDeletion(Bucket: string): Promise<void> {
      const TagSet = [{ Key: "aws-cdk:auto-delete-objects", Value: "true" }];
      await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
      await s3.send(new PutObjectCommand({ Bucket, Key: "bodies/of-a-session", Body: "a body" }));
    },
    /** How many messages lie in a queue, whether they are hidden or not. */
    async depth(QueueUrl: string): Promise<number> {
      const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
      );
      return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
    },
  };
}
