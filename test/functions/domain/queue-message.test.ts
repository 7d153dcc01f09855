import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isCurrent,
  parseQueueMessage,
  queueMessageFor,
  queueOf,
  realtimeQueue,
} from "../../../functions/domain/queue-message.ts";
import { aSession, sessionId } from "./support.ts";

const message = { sessionId, turn: 2, attempt: 3, sendNo: 4 };
const session = aSession(message);

describe("a queue message", () => {
  it("is a pointer to a session's next step, and reads back as it was written", () => {
    expect(queueMessageFor(session)).toEqual(message);
    expect(parseQueueMessage(JSON.stringify(queueMessageFor(session)))).toEqual(message);
  });

  it.each([
    "",
    "{}",
    "null",
    "[]",
    JSON.stringify({ ...message, sessionId: "short" }),
    JSON.stringify({ ...message, sessionId: sessionId.toLowerCase() }),
    JSON.stringify({ ...message, turn: 0 }),
    JSON.stringify({ ...message, attempt: 1.5 }),
    JSON.stringify({ ...message, sendNo: "4" }),
    JSON.stringify({ ...message, task: "a body has no place here" }),
    JSON.stringify({ sessionId, turn: 1, attempt: 1 }),
  ])("is not %s", (body) => {
    expect(parseQueueMessage(body)).toBeUndefined();
  });

  it("is nothing or a pointer for any text, and never throws", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (body) => void parseQueueMessage(body)));
  });

  it("belongs to the queue of its lane, or to that of real-time work whatever the lane", () => {
    expect(queueOf(aSession({ lane: "bulk" }))).toBe("bulk");
    expect(queueOf(aSession({ lane: "bulk", mode: "realtime" }))).toBe(realtimeQueue);
  });
});

describe("a message that comes in", () => {
  it.each([
    ["sent last", {}, true],
    ["an older copy, since the newest may wait behind it", { sendNo: 1 }, true],
    ["one that was never sent", { sendNo: 5 }, false],
    ["for an earlier attempt", { attempt: 2 }, false],
    ["for a later attempt", { attempt: 4 }, false],
    ["for an earlier turn", { turn: 1 }, false],
  ])("is for the session's next step, or not: %s", (_, differently, isIt) => {
    expect(isCurrent({ ...message, ...differently }, session)).toBe(isIt);
  });
});
