import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createBucket, createQueues } from "../../../../infra/local/aws/infrastructure.ts";
import { startLocalAws } from "../../../../infra/local/aws/start.ts";
import { lockHome } from "../../../../infra/local/home.ts";
import { databasesOn, temporaryHome, until } from "./support.ts";

async function running(input: Parameters<typeof startLocalAws>[0]) {
  const aws = await startLocalAws(input);
  onTestFinished(aws.stop);
  for (const [name, value] of Object.entries(aws.environment)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  return aws;
}

/** Local addresses, in /proc's hexadecimal, of every TCP socket on which the process listens. */
function listeningAddresses(pid: number): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const rows = ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, "utf8").trim().split("\n").slice(1),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[3] === "0A" && inodes.has(columns[9] ?? ""))
    .map((columns) => columns[1]?.split(":")[0] ?? "");
}

describe("the local AWS", () => {
  it("is found by every client through the environment alone", async () => {
    const taken: unknown[] = [];
    await running({
      home: temporaryHome(),
      secrets: () => ({ key: "sk-local" }),
      onEvents: (events) => void taken.push(...events.map(({ detail }) => detail)),
    });
    const Entries = [{ Source: "offpeak", DetailType: "t", Detail: '{"n":1}' }];
    await new EventBridgeClient({}).send(new PutEventsCommand({ Entries }));
    await until(
      () => taken,
      (details) => details.length === 1,
    );
    expect(taken).toEqual([{ n: 1 }]);
    const secret = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: "key" }));
    expect(secret.SecretString).toBe("sk-local");
    const s3 = new S3Client({ forcePathStyle: true });
    await createBucket("bodies", { s3 });
    await createBucket("bodies", { s3 });
    await s3.send(new PutObjectCommand({ Bucket: "bodies", Key: "o", Body: "x" }));
    await expect(s3.send(new CreateBucketCommand({ Bucket: "bodies" }))).resolves.toBeDefined();
  });

  it("brings existing queues up to date", async () => {
    await running({ home: temporaryHome(), secrets: () => ({}) });
    const sqs = new SQSClient({});
    const queue = { name: "lane-default", maxReceiveCount: 5, visibilityTimeoutSeconds: 60 };
    await createQueues([queue], { sqs });
    const [updated] = await createQueues([{ ...queue, maxReceiveCount: 9, visibilityTimeoutSeconds: 90 }], { sqs });
    const described = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: updated?.url, AttributeNames: ["All"] }),
    );
    expect(described.Attributes).toMatchObject({ VisibilityTimeout: "90" });
    expect(JSON.parse(described.Attributes?.["RedrivePolicy"] ?? "")).toEqual({
      deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:lane-default-dead",
      maxReceiveCount: 9,
    });
  });

  it("listens on 127.0.0.1 and nowhere else", async () => {
    const home = temporaryHome();
    const before = listeningAddresses(process.pid).length;
    await running({ home, secrets: () => ({}) });
    const own = listeningAddresses(process.pid);
    const [database = 0] = databasesOn(join(home, "dynamodb.sqlite"));
    const all = [...own, ...listeningAddresses(database)];
    expect(own.length - before).toBe(5);
    expect(listeningAddresses(database)).toHaveLength(1);
    // 127.0.0.1 with its bytes in the machine's order, as /proc writes it.
    expect(new Set(all)).toEqual(new Set(["0100007F"]));
  });
});

describe("kill -9", () => {
  it("loses no acknowledged write, ends the database with its parent and leaves the folder free", async () => {
    const home = temporaryHome();
    const { writer, acknowledged } = await writeUntil(home, 300);
    writer.kill("SIGKILL");
    await once(writer, "exit");
    await until(
      () => databasesOn(join(home, "dynamodb.sqlite")).length,
      (count) => count === 0,
    );
    const lock = lockHome(home);
    onTestFinished(lock.release);
    await running({ home, secrets: () => ({}) });
    expect(await allItems()).toEqual(expect.arrayContaining(acknowledged("put")));
    expect(await allMessages()).toEqual(expect.arrayContaining(acknowledged("sent")));
  });
});

/** Starts the writer and waits until that many writes of each kind have been acknowledged. */
async function writeUntil(home: string, count: number) {
  const script = join(import.meta.dirname, "writer.ts");
  const writer: ChildProcess = spawn(process.execPath, [script, home], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void writer.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: writer.stdout! }).on("line", (line) => lines.push(line));
  const acknowledged = (kind: string) =>
    lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  await until(
    () => Math.min(acknowledged("put").length, acknowledged("sent").length),
    (least) => least >= count,
  );
  return { writer, acknowledged };
}

async function allItems(): Promise<(string | undefined)[]> {
  const scanned = await new DynamoDBClient({}).send(new ScanCommand({ TableName: "written", ConsistentRead: true }));
  return (scanned.Items ?? []).map(({ pk }) => pk?.S);
}

async function allMessages(): Promise<string[]> {
  const sqs = new SQSClient({});
  const [queue] = await createQueues([{ name: "written", maxReceiveCount: 5, visibilityTimeoutSeconds: 30 }], { sqs });
  const QueueUrl = queue?.url;
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = "" }) => Body));
    const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: `${at}`, ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}
