import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type LocalDynamo, startDynamo } from "./dynamodb.ts";
import type { BusEvent } from "./event-store.ts";
import { startEvents } from "./events.ts";
import { region } from "./protocol.ts";
import { startS3 } from "./s3.ts";
import { startSecrets } from "./secrets.ts";
import { startSqs } from "./sqs.ts";
import { startSts } from "./sts.ts";

export type LocalAws = {
  /** What the SDK clients read from the environment to find all this. */
  environment: Record<string, string>;
  /** Rejects when a part ends by itself; the process should say so and end. Never resolves. */
  failed: Promise<never>;
  stop: () => Promise<void>;
};

/** Read once, before a start of our own can put its address there. */
const givenDynamo = process.env["AWS_ENDPOINT_URL_DYNAMODB"];

const systemDeps = { now: Date.now, newId: (): string => randomUUID() };

/**
 * The AWS services that Offpeak uses, on 127.0.0.1 at free ports, with their data under `home`, which must be locked.
 * With AWS_ENDPOINT_URL_DYNAMODB set, that DynamoDB is used and none is started.
 *
 * `onEvents` is called with accepted events, one at a time, once this has resolved; while it throws or rejects, the event
 * comes again. `secrets` maps a secret's name to its text and is asked at every read.
 */
export async function startLocalAws(
  input: {
    home: string;
    secrets: () => Record<string, string>;
    onEvents?: (events: readonly BusEvent[]) => void | Promise<void>;
    log?: (line: string) => void;
  },
  deps: { now: () => number; newId: () => string } = systemDeps,
): Promise<LocalAws> {
  const { home, secrets, onEvents = () => {}, log = () => {} } = input;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const sessionToken = deps.newId();
  const all = { ...deps, log, onEvents };
  const running: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    running.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    // The newest first: whoever takes events may still need the others.
    for (const part of running.splice(0).reverse()) {
      await part.close().catch((error: unknown) => log(`local AWS: a part did not close cleanly: ${String(error)}`));
    }
  };
  try {
    const dynamo = keep(givenDynamo ? elsewhere(givenDynamo) : await startDynamo(join(home, "dynamodb.sqlite")));
    const sqs = keep(await startSqs(join(home, "sqs.sqlite"), all));
    const s3 = keep(await startS3(join(home, "s3.sqlite"), all));
    const vault = keep(await startSecrets({ secrets, sessionToken, startedAt: deps.now(), log }));
    const events = keep(await startEvents(join(home, "events.sqlite"), all));
    const sts = keep(await startSts({ sessionToken, now: deps.now, log }));
    setImmediate(events.deliver);
    const endpoints = { dynamo, sqs, s3, vault, events, sts };
    return { environment: environmentFor(endpoints, sessionToken), failed: dynamo.failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function elsewhere(url: string): LocalDynamo {
  return { url, failed: new Promise<never>(() => {}), close: async () => {} };
}

type Endpoints = Record<"dynamo" | "sqs" | "s3" | "vault" | "events" | "sts", { url: string }>;

function environmentFor(endpoints: Endpoints, sessionToken: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamo.url,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs.url,
    AWS_ENDPOINT_URL_S3: endpoints.s3.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.vault.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.events.url,
    AWS_ENDPOINT_URL_STS: endpoints.sts.url,
    AWS_REGION: region,
    // Constant, because DynamoDB Local keeps a separate database for each key id.
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: sessionToken,
    // A profile would take the place of the keys above, and send real ones to the emulators.
    AWS_PROFILE: "",
  };
}
