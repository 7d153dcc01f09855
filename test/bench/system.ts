import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { parseConfig } from "../../functions/domain/config/index.ts";
import { createBucket, createQueues, createTable } from "../../infra/local/aws/infrastructure.ts";
import { tableInput } from "../../infra/table-definition.ts";
import type { HostOptions } from "./host.ts";
import type { Tally } from "./wire.ts";

const secrets = { "offpeak/anthropic-api-key": "sk-ant-bench", "offpeak/api-token": "the-token-of-the-bench" };
const authorization = `Bearer ${secrets["offpeak/api-token"]}`;

/** What the services have seen so far. */
export interface Seen {
  tallies: Tally[];
  /** What the model was sent. */
  bytesIn: number;
  requests: number;
}

export interface BenchSystem {
  queueUrls: ReadonlyMap<string, string>;
  /** Calls count for this step from here on. */
  enter(step: string): Promise<Seen>;
  stop(): Promise<void>;
}

/** The services beside this process, and the environment by which the rooms find them. */
export async function startServices(
  config: object,
  { answerBytes, isCounting = false }: { answerBytes: number; isCounting?: boolean },
): Promise<BenchSystem> {
  const home = mkdtempSync(join(tmpdir(), "offpeak-bench-"));
  const options: HostOptions = { home, secrets, answerBytes, isCounting };
  const host = fork(fileURLToPath(new URL("host.ts", import.meta.url)), [JSON.stringify(options)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: [],
  });
  const [ready]: { environment: Record<string, string> }[] = await once(host, "message");
  Object.assign(process.env, ready?.environment);
  const configPath = join(home, "offpeak.json");
  writeFileSync(configPath, JSON.stringify(config));
  const queueUrls = await createInfrastructure(config);
  Object.assign(process.env, {
    OFFPEAK_TABLE: "offpeak",
    OFFPEAK_BUCKET: "offpeak",
    OFFPEAK_QUEUE_URLS: JSON.stringify(Object.fromEntries(queueUrls)),
    OFFPEAK_CONFIG: configPath,
    OFFPEAK_TICK_SECONDS: "60",
    OFFPEAK_API_KEY_SECRET: "offpeak/anthropic-api-key",
    OFFPEAK_TOKEN_SECRET: "offpeak/api-token",
    OFFPEAK_EVENT_BUS: "offpeak",
    OFFPEAK_METRIC_NAMESPACE: "Offpeak",
    OFFPEAK_CREATE_TIMEOUT_SECONDS: "300",
    OFFPEAK_RECONCILE_GRACE_SECONDS: "600",
    OFFPEAK_RETRY_SECONDS: "30",
    OFFPEAK_PARK_SECONDS: "300",
  });
  return {
    queueUrls,
    async enter(step) {
      host.send({ step });
      const [seen]: Seen[] = await once(host, "message");
      if (seen === undefined) throw new Error("the services are gone");
      return seen;
    },
    async stop() {
      const gone = once(host, "exit");
      host.disconnect();
      await gone;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function createInfrastructure(config: object): Promise<Map<string, string>> {
  await createTable(tableInput("offpeak"), { dynamo: new DynamoDBClient() });
  await createBucket("offpeak", { s3: new S3Client({ forcePathStyle: true }) });
  const parsed = parseConfig(JSON.stringify(config), () => undefined);
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  const names = [...parsed.config.lanes.map(({ id }) => id), "realtime"];
  const queues = await createQueues(
    names.map((name) => ({ name: `offpeak-${name}`, maxReceiveCount: 5, visibilityTimeoutSeconds: 900 })),
    { sqs: new SQSClient() },
  );
  return new Map(queues.map(({ name, url }) => [name.replace("offpeak-", ""), url]));
}

/** The rooms, loaded only once their environment is there. */
export async function loadRooms() {
  const [authorizer, spawn, sessions, batcher, poller] = await Promise.all([
    import("../../functions/authorizer/handler.ts"),
    import("../../functions/spawn/handler.ts"),
    import("../../functions/sessions/handler.ts"),
    import("../../functions/batcher/handler.ts"),
    import("../../functions/poller/handler.ts"),
  ]);
  const call = async (path: string, init: { method?: string; body?: string; headers?: Record<string, string> }) => {
    const event = { headers: { authorization }, requestContext: { http: { sourceIp: "127.0.0.1" } } };
    const { context } = await authorizer.handler(event);
    const app = path.startsWith("/api/sessions/spawn") ? spawn.app() : sessions.app();
    return app.request(path, init, { event: { requestContext: { authorizer: { lambda: context } } } });
  };
  return { authorizer, spawn, batcher, poller, call };
}
export type BenchRooms = Awaited<ReturnType<typeof loadRooms>>;

/** The functions write their log on standard output, which nobody reads in a bench. @returns how much they wrote */
export async function quietly(work: () => Promise<void>): Promise<number> {
  const write = process.stdout.write;
  let bytes = 0;
  process.stdout.write = (text: unknown) => {
    if (typeof text === "string") bytes += text.length;
    return true;
  };
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return bytes;
}
