import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { logCodes } from "../../functions/domain/log.ts";
import { type Room, rooms } from "../../infra/bundle.ts";
import { allowedBy } from "./permissions/allowed.ts";
import type { Permission } from "./permissions/calls.ts";
import type { Deployment } from "./permissions/deployment.ts";
import { files, runEverything } from "./permissions/flow.ts";
import { synthesize } from "./support.ts";

/** What no line of a room calls, and its role must allow all the same: who calls it, or what it is for. */
const uncalled: { reason: string; actions: string[]; on: string; rooms: readonly Room[] }[] = [
  {
    reason: "Lambda writes what a function logs, in its name",
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    on: "its log group",
    rooms,
  },
  {
    reason: "Lambda's event source takes messages in the function's name; CDK grants it these five as one",
    actions: [
      "sqs:ReceiveMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:GetQueueUrl",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
    ],
    on: "queue offpeak-realtime",
    rooms: ["realtime"],
  },
  {
    reason: "Lambda sets an event aside that the function failed on, in its name; CDK grants it these three as one",
    actions: ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"],
    on: "queue of spawn's dead letters",
    rooms: ["spawn"],
  },
  {
    reason: "without it S3 answers 403 instead of 404 for a body that is gone",
    actions: ["s3:ListBucket"],
    on: "bucket offpeak",
    rooms: ["spawn", "sessions", "batcher", "realtime", "poller"],
  },
];

describe("what the functions may do", () => {
  const template = synthesize({ stage: "prod" }, files);
  let system: Deployment;
  beforeAll(async () => {
    system = await runEverything();
  }, 300_000);
  afterAll(() => system?.stop());

  const texts = (permissions: readonly Permission[]) =>
    [...new Set(permissions.map(({ action, on }) => `${action} on ${on}`))].sort();
  const calledBy = (room: Room) => texts(system.recorder.called.get(room) ?? []);
  const uncalledIn = (room: Room) =>
    texts(
      uncalled
        .filter((one) => one.rooms.includes(room))
        .flatMap(({ actions, on }) => actions.map((action) => ({ action, on }))),
    );

  it.each(rooms)("is everything that a whole run of the flow calls, and nothing else (%s)", (room) => {
    expect(texts(allowedBy(template, room))).toEqual([...calledBy(room), ...uncalledIn(room)].sort());
  });

  it("is known for each call that was made", () => {
    expect(system.recorder.unknown).toEqual([]);
  });

  it("leaves to others only what the room itself does not call", () => {
    for (const room of rooms) expect(calledBy(room).filter((one) => uncalledIn(room).includes(one))).toEqual([]);
  });

  it("is asked for by a run in which no step failed", () => {
    const codes = rooms.flatMap((room) => system.lines(room)).map((line) => JSON.parse(line).code);
    expect(codes.filter((code) => code === "tick_failed" || code === "request_failed")).toEqual([]);
    for (const code of codes.filter((one) => one !== undefined)) expect(logCodes).toContain(code);
  });
});
