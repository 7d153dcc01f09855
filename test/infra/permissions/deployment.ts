import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { spawnPaths } from "../../../functions/spawn/env.ts";
import { type Room, rooms } from "../../../infra/bundle.ts";
import { startStandIn } from "../../../infra/local/anthropic/http.ts";
import { createBucket, createQueues, createTable } from "../../../infra/local/aws/infrastructure.ts";
import { startLocalAws } from "../../../infra/local/aws/start.ts";
import { pumpQueue } from "../../../infra/local/realtime-queue.ts";
import { tableInput } from "../../../infra/table-definition.ts";
import { endpointVariables, type Recorder, startRecorder } from "./recorder.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by what the tests expect of them
type Json = any;

/** The rooms as deployed: each alone with its environment, called with the events that AWS would call it with. */
export interface Deployment {
  recorder: Recorder;
  invoke(room: Room, event: unknown): Promise<Json>;
  /** One HTTP call, past the authorizer. */
  http(
    path: string,
    init?: { method?: string; body?: object; key?: string; token?: string },
  ): Promise<{ status: number; body: Json }>;
  /** What the stand-in for Anthropic is to get wrong. */
  fault(fault: object): Promise<void>;
  heal(): Promise<void>;
  /** The lines that the rooms logged, by room. */
  lines(room: Room): string[];
  stop(): Promise<void>;
}

export interface DeploymentOptions {
  files: Record<string, string>;
  lanes: readonly string[];
  secrets: Record<string, string>;
  token: string;
}

const timing = {
  OFFPEAK_TICK_SECONDS: "0.2",
  OFFPEAK_RECONCILE_GRACE_SECONDS: "1",
  OFFPEAK_CREATE_TIMEOUT_SECONDS: "5",
  OFFPEAK_RETRY_SECONDS: "0.2",
  OFFPEAK_PARK_SECONDS: "0.5",
};

export async function deploy({ files, lanes, secrets, token }: DeploymentOptions): Promise<Deployment> {
  const home = mkdtempSync(join(tmpdir(), "offpeak-permissions-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const threads = new Map<Room, ReturnType<typeof startRoom>>();
  const invoke = (room: Room, event: unknown) => threads.get(room)!.call(event);
  const aws = await startLocalAws({
    home,
    secrets: () => secrets,
    async onEvents(events) {
      for (const event of events) if (event["detail-type"] === "offpeak.spawn") await invoke("spawn", event);
    },
  });
  const standIn = await startStandIn({ batchSeconds: { min: 0.1, max: 0.3 } });
  const recorder = await startRecorder(aws.environment);
  const queueUrls = await createInfrastructure(aws.environment, lanes);
  const { AWS_REGION: region = "" } = aws.environment;
  for (const room of rooms) {
    const endpoints = Object.entries(endpointVariables).map(([service, name]) => [
      name,
      `${recorder.url}/${room}/${service}`,
    ]);
    // The SDK may talk to the address in a queue's URL instead of the endpoint.
    const urls = [...queueUrls.keys()].map((lane) => [
      lane,
      `${recorder.url}/${room}/sqs/000000000000/offpeak-${lane}`,
    ]);
    threads.set(
      room,
      startRoom(room, {
        ...aws.environment,
        ...Object.fromEntries(endpoints),
        ...timing,
        ANTHROPIC_BASE_URL: standIn.url,
        OFFPEAK_TABLE: "offpeak",
        OFFPEAK_BUCKET: "offpeak",
        OFFPEAK_QUEUE_URLS: JSON.stringify(Object.fromEntries(urls)),
        OFFPEAK_CONFIG: join(home, "offpeak.json"),
        OFFPEAK_API_KEY_SECRET: "api-key",
        OFFPEAK_TOKEN_SECRET: "token",
        OFFPEAK_EVENT_BUS: "offpeak",
        OFFPEAK_METRIC_NAMESPACE: "Offpeak",
        TZ: "UTC",
        PATH: process.env["PATH"] ?? "",
      }),
    );
  }
  const { endpoint, credentials } = { endpoint: aws.environment["AWS_ENDPOINT_URL_SQS"] ?? "", credentials: localKeys };
  const pump = pumpQueue(new SQSClient({ endpoint, region, credentials }), {
    QueueUrl: queueUrls.get("realtime") ?? "",
    workers: 2,
    handler: (event) => invoke("realtime", event),
  });
  return {
    recorder,
    invoke,
    lines: (room) => threads.get(room)!.lines(),
    async http(path, { body, method = body === undefined ? "GET" : "POST", key, token: given = token } = {}) {
      const http = {
        method,
        path: path.replace(/\?.*/, ""),
        sourceIp: "127.0.0.1",
      };
      const headers = {
        host: "api.test",
        authorization: `Bearer ${given}`,
        ...(key === undefined ? {} : { "idempotency-key": key }),
        "content-type": "application/json",
      };
      const event = {
        version: "2.0",
        routeKey: "$default",
        rawPath: http.path,
        rawQueryString: /\?(.*)/.exec(path)?.[1] ?? "",
        headers,
        requestContext: { http, domainName: "api.test" },
        isBase64Encoded: false,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
      const { context } = await invoke("authorizer", event);
      const passed = { ...event, requestContext: { ...event.requestContext, authorizer: { lambda: context } } };
      const answer = await invoke(spawnPaths.includes(http.path) ? "spawn" : "sessions", passed);
      return { status: answer.statusCode, body: JSON.parse(answer.body) };
    },
    async fault(fault) {
      const answer = await fetch(`${standIn.url}/_stand-in/faults`, { method: "POST", body: JSON.stringify(fault) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async heal() {
      await fetch(`${standIn.url}/_stand-in/faults`, { method: "DELETE" });
    },
    async stop() {
      await pump.stop();
      await Promise.all([...threads.values()].map((thread) => thread.stop()));
      await aws.stop();
      await recorder.close();
      await standIn.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const localKeys = { accessKeyId: "local", secretAccessKey: "local" };

/** Made past the recorder: a stack makes these, no room does. */
async function createInfrastructure(environment: Record<string, string>, lanes: readonly string[]) {
  const of = (name: string) => ({
    endpoint: environment[name] ?? "",
    region: environment["AWS_REGION"] ?? "",
    credentials: localKeys,
  });
  await createTable(tableInput("offpeak"), { dynamo: new DynamoDBClient(of("AWS_ENDPOINT_URL_DYNAMODB")) });
  await createBucket("offpeak", { s3: new S3Client({ ...of("AWS_ENDPOINT_URL_S3"), forcePathStyle: true }) });
  const queues = await createQueues(
    [...lanes, "realtime"].map((lane) => ({
      name: `offpeak-${lane}`,
      maxReceiveCount: 5,
      visibilityTimeoutSeconds: 30,
    })),
    { sqs: new SQSClient(of("AWS_ENDPOINT_URL_SQS")) },
  );
  return new Map(queues.map(({ name, url }) => [name.replace("offpeak-", ""), url]));
}

function startRoom(room: Room, env: Record<string, string>) {
  const worker = new Worker(new URL("room-thread.ts", import.meta.url), {
    workerData: { room },
    env,
    execArgv: [],
    stdout: true,
  });
  let output = "";
  worker.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const waiting = new Map<number, PromiseWithResolvers<Json>>();
  waiting.set(0, Promise.withResolvers());
  worker.on("message", ({ id, answer, error }: { id: number; answer: Json; error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(answer);
    else waiting.get(id)?.reject(new Error(`${room}: ${error}`));
  });
  worker.on("error", (error) => {
    for (const { reject } of waiting.values()) reject(error);
  });
  let calls = 0;
  return {
    async call(event: unknown): Promise<Json> {
      await waiting.get(0)?.promise;
      calls += 1;
      const id = calls;
      const answered = Promise.withResolvers<Json>();
      waiting.set(id, answered);
      worker.postMessage({ id, event });
      return answered.promise;
    },
    lines: () => output.split("\n").filter((line) => line !== ""),
    stop: () => worker.terminate(),
  };
}
