import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { type Config, type CronJob, noKey } from "../../functions/domain/config/index.ts";
import { maxReceives } from "../../functions/domain/limits.ts";
import { spawnPaths } from "../../functions/spawn/env.ts";
import { tableInput } from "../table-definition.ts";
import { laneVisibilitySeconds, realtimeVisibilitySeconds } from "../timing.ts";
import { startStandIn } from "./anthropic/http.ts";
import { openSqliteJournal } from "./anthropic/sqlite-journal.ts";
import type { BusEvent } from "./aws/event-store.ts";
import { createBucket, createQueues, createTable } from "./aws/infrastructure.ts";
import { startLocalAws } from "./aws/start.ts";
import { endDeadRun } from "./dead-run.ts";
import { removeExpired, sweepSeconds } from "./expired.ts";
import { lockHome } from "./home.ts";
import { laneSecrets } from "./lane-secrets.ts";
import { divertLog } from "./log-lines.ts";
import { pumpQueue } from "./realtime-queue.ts";
import { cronClock, repeat } from "./schedule.ts";
import { startServer } from "./server.ts";
import type { LocalSettings } from "./settings.ts";
import { tokenFor } from "./token.ts";
import { welcome } from "./welcome.ts";

/** A lane names a secret that nobody gave. */
export class MissingSecretError extends Error {}

export interface System {
  say(line: string): void;
  /** Rejects when a part of it ends by itself. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

const tableName = "offpeak";
const bucketName = "offpeak";
const secretNames = { apiKey: "offpeak/anthropic-api-key", token: "offpeak/api-token" };
const standInKey = "sk-ant-stand-in";
/** Cron jobs are looked at this often. */
const cronLookSeconds = 1;
/** One may read the results of a large batch for minutes while the next ones do everything else. */
const pollersAtOnce = 4;

/** The functions, the services they call and the clocks that call them, in one process, with their data under one folder. */
export async function startSystem(settings: LocalSettings, config: Config): Promise<System> {
  const lock = lockHome(settings.home);
  const log = divertLog(join(settings.home, "offpeak.log"));
  const token = tokenFor(settings.home, settings.token);
  const stops: (() => unknown)[] = [lock.release, log.close];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const baseUrl = await startModel(settings, stops);
    const ofLanes = laneSecrets(config.lanes, process.env, settings.apiKey === undefined ? standInKey : undefined);
    if (!ofLanes.ok) throw new MissingSecretError(ofLanes.problems.join("\n"));
    const secrets = {
      ...ofLanes.secrets,
      [secretNames.apiKey]: settings.apiKey ?? standInKey,
      [secretNames.token]: token,
    };
    const aws = await startLocalAws({
      home: settings.home,
      secrets: () => secrets,
      onEvents: takeEvents,
      log: log.say,
    });
    stops.push(aws.stop);
    Object.assign(process.env, aws.environment);
    const queueUrls = await createInfrastructure(config);
    Object.assign(process.env, environmentFor(settings, config, { queueUrls, baseUrl }));
    const server = await startFunctions(settings, config, queueUrls, { stops, say: log.say });
    log.say(
      welcome({
        url: server.url,
        token,
        isTokenGiven: settings.token !== undefined,
        agentId: config.agents[0]?.id ?? "",
        hasKey: settings.apiKey !== undefined,
        home: settings.home,
        baseUrl,
      }),
    );
    log.say(`ready ${server.url}`);
    return { say: log.say, failed: aws.failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Without an API key, the stand-in answers in Anthropic's place. */
async function startModel(settings: LocalSettings, stops: (() => unknown)[]): Promise<string | undefined> {
  if (settings.apiKey !== undefined) return settings.baseUrl;
  const journal = openSqliteJournal(join(settings.home, "anthropic.sqlite"));
  const standIn = await startStandIn({ journal, batchSeconds: settings.standInBatchSeconds });
  stops.push(standIn.close);
  return standIn.url;
}

async function createInfrastructure(config: Config): Promise<Map<string, string>> {
  const dynamo = new DynamoDBClient();
  await createTable(tableInput(tableName), { dynamo });
  await endDeadRun(DynamoDBDocumentClient.from(dynamo), tableName, Date.now());
  await createBucket(bucketName, { s3: new S3Client({ forcePathStyle: true }) });
  const names = [...config.lanes.map(({ id }) => id), "realtime"];
  const queues = await createQueues(
    names.map((name) => ({
      name: `offpeak-${name}`,
      maxReceiveCount: maxReceives,
      visibilityTimeoutSeconds: name === "realtime" ? realtimeVisibilitySeconds : laneVisibilitySeconds,
    })),
    { sqs: new SQSClient() },
  );
  return new Map(queues.map(({ name, url }) => [name.replace("offpeak-", ""), url]));
}

function environmentFor(
  settings: LocalSettings,
  { federation }: Config,
  { queueUrls, baseUrl }: { queueUrls: ReadonlyMap<string, string>; baseUrl: string | undefined },
) {
  // Nobody but the stand-in believes who this machine says it is: with a key, the key is used.
  const isFederated = federation !== undefined && settings.apiKey === undefined;
  return {
    OFFPEAK_TABLE: tableName,
    OFFPEAK_BUCKET: bucketName,
    OFFPEAK_QUEUE_URLS: JSON.stringify(Object.fromEntries(queueUrls)),
    OFFPEAK_CONFIG: settings.configPath,
    OFFPEAK_TICK_SECONDS: String(settings.tickSeconds),
    OFFPEAK_API_KEY_SECRET: isFederated ? noKey : secretNames.apiKey,
    OFFPEAK_TOKEN_SECRET: secretNames.token,
    OFFPEAK_EVENT_BUS: "offpeak",
    OFFPEAK_METRIC_NAMESPACE: "Offpeak",
    ...settings.timing,
    ...(baseUrl === undefined ? {} : { ANTHROPIC_BASE_URL: baseUrl }),
  };
}

/** The rule on the bus: a spawn event goes to the spawn function; what we tell others is only seen in the log. */
async function takeEvents(events: readonly BusEvent[]): Promise<void> {
  const { handler } = await import("../../functions/spawn/handler.ts");
  for (const event of events) {
    if (event["detail-type"] === "offpeak.spawn") await handler(event, undefined);
  }
}

/** The handlers are loaded only now, when their environment is there. */
async function startFunctions(
  settings: LocalSettings,
  config: Config,
  queueUrls: ReadonlyMap<string, string>,
  { stops, say }: { stops: (() => unknown)[]; say: (line: string) => void },
) {
  const [authorizer, spawn, sessions, batcher, poller, realtime] = await Promise.all([
    import("../../functions/authorizer/handler.ts"),
    import("../../functions/spawn/handler.ts"),
    import("../../functions/sessions/handler.ts"),
    import("../../functions/batcher/handler.ts"),
    import("../../functions/poller/handler.ts"),
    import("../../functions/realtime/handler.ts"),
  ]);
  const fire = async ({ id }: CronJob, time: Date) => {
    await spawn.handler({ cronJob: id, time: time.toISOString() }, undefined);
  };
  const server = await startServer(settings.port, {
    authorize: authorizer.handler,
    appFor: (path) => (spawnPaths.includes(path) ? spawn.app() : sessions.app()),
  });
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient());
  const sweep = async () => void (await removeExpired(dynamo, tableName, Date.now()));
  const failed = (who: string) => (error: unknown) => say(`${who} failed, and will be called again: ${String(error)}`);
  const seconds = settings.tickSeconds;
  const clocks = [
    ...config.lanes.map(({ id: lane }) =>
      repeat({ seconds }, () => batcher.handler({ lane }, undefined), failed("batcher")),
    ),
    repeat({ seconds, atOnce: pollersAtOnce }, () => poller.handler(undefined, undefined), failed("poller")),
    repeat({ seconds: sweepSeconds }, sweep, failed("sweep")),
    repeat({ seconds: cronLookSeconds }, cronClock(config.jobs, settings.home, fire), failed("cron")),
    pumpQueue(new SQSClient(), {
      QueueUrl: queueUrls.get("realtime") ?? "",
      workers: config.realtime.maxConcurrency,
      handler: realtime.handler,
    }),
  ];
  stops.push(() => Promise.all(clocks.map((clock) => clock.stop())), server.close);
  return server;
}
