import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { environmentNames as authorizerNames } from "../../functions/authorizer/env.ts";
import { environmentNames as batcherNames } from "../../functions/batcher/env.ts";
import { realtimeLeaseSeconds } from "../../functions/domain/limits.ts";
import { environmentNames as pollerNames } from "../../functions/poller/env.ts";
import { environmentNames as realtimeNames } from "../../functions/realtime/env.ts";
import { environmentNames as sessionsNames } from "../../functions/sessions/env.ts";
import { environmentNames as spawnNames } from "../../functions/spawn/env.ts";
import { boundedMemory } from "../../infra/bounded-memory.ts";
import { rooms } from "../../infra/bundle.ts";
import type { RoomFunctionProps } from "../../infra/room-function.ts";
import { createTimeoutSeconds } from "../../infra/timing.ts";
import { allowedTo, functionOf, resources, synthesize } from "./support.ts";

const template = synthesize();
const propertiesOf = (room: string) => functionOf(template, room)[1].Properties;
const namesByRoom = {
  authorizer: authorizerNames,
  batcher: batcherNames,
  poller: pollerNames,
  realtime: realtimeNames,
  sessions: sessionsNames,
  spawn: spawnNames,
};

describe("each function", () => {
  it.each(rooms)("runs on Node 24 on arm64, with a log group of its own that forgets (%s)", (room) => {
    const { Runtime, Architectures, LoggingConfig } = propertiesOf(room);
    expect([Runtime, Architectures]).toEqual(["nodejs24.x", ["arm64"]]);
    const logGroup = template.findResources("AWS::Logs::LogGroup")[LoggingConfig.LogGroup.Ref];
    expect(logGroup?.["Properties"].RetentionInDays).toBe(30);
  });

  it.each(rooms)("has every variable its room reads, and no other (%s)", (room) => {
    const read = Object.keys(propertiesOf(room).Environment.Variables).filter((name) => !(name in boundedMemory));
    expect(read.sort()).toEqual([...namesByRoom[room]].sort());
  });

  it("keeps its memory as small as it was measured with, where it goes through a whole batch", () => {
    const set = rooms.filter((room) => "NODE_OPTIONS" in propertiesOf(room).Environment.Variables);
    expect(set.sort()).toEqual(["batcher", "poller"]);
    for (const room of set) expect(propertiesOf(room).Environment.Variables).toMatchObject(boundedMemory);
    expect(execFileSync(process.execPath, ["-p", "1"], { env: boundedMemory, encoding: "utf8" })).toBe("1\n");
  });

  it("keeps what it logs as it is written, and Lambda's own report where it does not run once a request", () => {
    const levels = Object.fromEntries(rooms.map((room) => [room, propertiesOf(room).LoggingConfig]));
    for (const { LogFormat, ApplicationLogLevel } of Object.values(levels))
      expect([LogFormat, ApplicationLogLevel]).toEqual(["JSON", "INFO"]);
    const reported = rooms.filter((room) => levels[room].SystemLogLevel === "INFO");
    expect(reported.toSorted()).toEqual(["batcher", "poller", "realtime"]);
  });

  it("has a role without any of AWS's managed policies", () => {
    for (const [, { Properties }] of resources(template, "AWS::IAM::Role")) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
    }
  });

  it("does not compile when one of its variables is forgotten", () => {
    type Environment = RoomFunctionProps<typeof authorizerNames>["environment"];
    // @ts-expect-error OFFPEAK_TOKEN_SECRET is missing.
    const forgotten: Environment = { OFFPEAK_TABLE: "table" };
    expect(forgotten).toBeDefined();
  });

  it.each([
    ["spawn", 512, 15],
    ["sessions", 512, 25],
    ["authorizer", 256, 5],
    ["batcher", 1769, 900],
    ["realtime", 512, 720],
    ["poller", 1769, 900],
  ])("has memory and time for its work (%s)", (room, megabytes, seconds) => {
    expect([propertiesOf(room).MemorySize, propertiesOf(room).Timeout]).toEqual([megabytes, seconds]);
  });
});

describe("the time of a function", () => {
  it("covers the lease of a real-time call, and what is written after it", () => {
    expect(propertiesOf("realtime").Timeout).toBeGreaterThan(realtimeLeaseSeconds);
  });

  it("leaves the batcher more than 30 seconds after the longest create", () => {
    expect(propertiesOf("batcher").Timeout - createTimeoutSeconds).toBeGreaterThan(30);
  });

  it("ends before API Gateway answers in its place", () => {
    for (const room of ["spawn", "sessions"]) expect(propertiesOf(room).Timeout).toBeLessThan(30);
  });
});

describe("an event that nobody waits for", () => {
  it("is tried again where it is work, and then set aside", () => {
    const { MaximumRetryAttempts, DestinationConfig } = invokeConfigOf("spawn");
    expect(MaximumRetryAttempts).toBe(2);
    expect(DestinationConfig.OnFailure.Destination["Fn::GetAtt"][0]).toMatch(/^SpawnDeadLetters/);
  });

  it.each(["batcher", "poller"])("is dropped where it is a tick, since the next one comes anyway (%s)", (room) => {
    expect(invokeConfigOf(room)).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });

  function invokeConfigOf(room: string) {
    const [id] = functionOf(template, room);
    const configs = resources(template, "AWS::Lambda::EventInvokeConfig").map(([, { Properties }]) => Properties);
    return configs.find(({ FunctionName }) => FunctionName.Ref === id);
  }
});

describe("the real-time worker", () => {
  it("takes one message at a time, ten at once, and answers for each", () => {
    template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 1,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });
});

describe("the queue URLs", () => {
  it("name every lane and the real-time queue, for whoever sends or drains", () => {
    for (const room of ["spawn", "batcher", "poller", "sessions"]) {
      const { OFFPEAK_QUEUE_URLS } = propertiesOf(room).Environment.Variables;
      const parts: unknown[] = OFFPEAK_QUEUE_URLS["Fn::Join"][1];
      const json = parts.map((part) => (typeof part === "string" ? part : "url")).join("");
      expect(JSON.parse(json)).toEqual({ default: "url", bulk: "url", night: "url", realtime: "url" });
    }
  });
});

describe("what a function may do", () => {
  const services = (room: string) => new Set(allowedTo(template, room).map(({ action }) => action.split(":")[0]));
  const actions = (room: string, service: string) =>
    allowedTo(template, room)
      .map(({ action }) => action)
      .filter((action) => action.startsWith(service));

  it("is neither taking from a queue nor seeing a secret, where sessions are read, taken back and followed up", () => {
    expect(services("sessions")).toEqual(new Set(["dynamodb", "events", "logs", "s3", "sqs"]));
    expect(actions("sessions", "events")).toEqual(["events:PutEvents"]);
    expect(new Set(actions("sessions", "sqs"))).toEqual(new Set(["sqs:SendMessage"]));
    expect(actions("sessions", "s3").join()).not.toMatch(/Delete/);
  });

  it("is reading tokens and counting failures, where it authorizes, and seeing nothing else of the table", () => {
    expect(services("authorizer")).toEqual(new Set(["dynamodb", "logs", "secretsmanager"]));
    expect(actions("authorizer", "dynamodb").toSorted()).toEqual(["dynamodb:GetItem", "dynamodb:UpdateItem"]);
    const keys = (partition: string) => ({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [partition] } });
    const policies = JSON.stringify(resources(template, "AWS::IAM::Policy"));
    expect(policies).toContain(`"Action":"dynamodb:GetItem","Condition":${JSON.stringify(keys("TOKEN"))}`);
    expect(policies).toContain(`"Action":"dynamodb:UpdateItem","Condition":${JSON.stringify(keys("LOGIN#*"))}`);
    expect(keysOf("authorizer")).toMatch(/SecretsToken/);
  });

  it("is seeing a key of Anthropic's, only where Anthropic is called", () => {
    for (const room of ["batcher", "realtime", "poller"]) {
      expect(keysOf(room)).toMatch(/SecretsApiKey/);
      expect(keysOf(room)).toMatch(/night-key/);
      expect(keysOf(room)).not.toMatch(/SecretsToken/);
    }
    expect(services("spawn").has("secretsmanager")).toBe(false);
  });

  it("is draining in the batcher, which takes what cannot be batched to real time; and sending in spawn and poller", () => {
    expect(new Set(actions("batcher", "sqs"))).toEqual(
      new Set(["sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"]),
    );
    const sends = allowedTo(template, "batcher").filter(({ action }) => action === "sqs:SendMessage");
    expect(sends.map(({ on }) => on)).toEqual([expect.stringMatching(/QueuesRealtimeQueue/)]);
    expect(actions("poller", "sqs")).toEqual(["sqs:SendMessage"]);
    expect(actions("spawn", "sqs")).not.toContain("sqs:ReceiveMessage");
  });

  it("is putting events on the bus, only where turns end", () => {
    const speaking = rooms.filter((room) => actions(room, "events").includes("events:PutEvents"));
    expect(speaking.sort()).toEqual(["poller", "realtime", "sessions"]);
  });

  it("never is everything, on anything", () => {
    for (const room of rooms) {
      for (const { action, on } of allowedTo(template, room)) {
        expect(action).not.toMatch(/^\*|:\*$|Scan|Stream(?!$)/);
        expect(on).not.toBe('"*"');
      }
    }
  });

  function keysOf(room: string): string {
    return allowedTo(template, room)
      .filter(({ action }) => action === "secretsmanager:GetSecretValue")
      .map(({ on }) => on)
      .join();
  }
});
