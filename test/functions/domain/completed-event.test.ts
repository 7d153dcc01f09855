import { describe, expect, it } from "vitest";
import { completedEvent, digestEvent } from "../../../functions/domain/completed-event.ts";
import { maxDigestIds, maxErrorCharacters, maxLabelCharacters } from "../../../functions/domain/limits.ts";
import { aSession, aUsage, noon, sessionId } from "./support.ts";

const ended = aSession({ status: "done", label: "nightly", stopReason: "end_turn", truncated: false, endedAt: noon });

describe("the event of a turn that ended", () => {
  it("says which session, how it ended, its tokens, and where to read the rest", () => {
    const usage = aUsage({ input: 10, output: 5 });
    expect(JSON.parse(completedEvent(ended, { usage }))).toEqual({
      id: `${sessionId}.1.completed`,
      sessionId,
      sessionKey: ended.sessionKey,
      agentId: "worker",
      label: "nightly",
      turn: 1,
      status: "done",
      stopReason: "end_turn",
      truncated: false,
      model: "claude-haiku-4-5",
      endedAt: "2026-11-21T12:00:00.000Z",
      usage,
      links: { session: `/api/sessions/${sessionId}`, history: `/api/sessions/${sessionId}/history` },
    });
  });

  it("is the same however often it is made, and another for another turn", () => {
    expect(completedEvent(ended, undefined)).toBe(completedEvent({ ...ended }, undefined));
    expect(JSON.parse(completedEvent({ ...ended, turn: 2 }, undefined))).toMatchObject({
      id: `${sessionId}.2.completed`,
    });
  });

  it.each(["failed", "canceled", "timeout"] as const)(
    "is made of one that ended %s as well, with the reason",
    (status) => {
      const error = { type: "refusal", message: "the model declined to answer" };
      const event: unknown = JSON.parse(completedEvent({ ...ended, status, error }, undefined));
      expect(event).toMatchObject({ status, error });
      expect(event).not.toHaveProperty("usage");
    },
  );

  it("is far smaller than the 256 KB of an EventBridge entry, whatever the caller wrote", () => {
    const error = { type: "api_error", message: "🦉".repeat(maxErrorCharacters) };
    const largest = aSession({ ...ended, label: "🦉".repeat(maxLabelCharacters), error });
    expect(Buffer.byteLength(completedEvent(largest, { usage: aUsage() }))).toBeLessThan(4_096);
  });
});

describe("a digest of turns that ended", () => {
  it("has the id of each end, by how it ended, and whose they are", () => {
    const failed = aSession({ ...ended, turn: 2, status: "failed" });
    expect(JSON.parse(digestEvent([ended, failed]))).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      agentId: "worker",
      count: 2,
      done: [`${sessionId}.1.completed`],
      failed: [`${sessionId}.2.completed`],
    });
  });

  it("is charged as one event when it is full", () => {
    const full = Array.from({ length: maxDigestIds }, () => aSession({ ...ended, turn: 9_999 }));
    expect(Buffer.byteLength(digestEvent(full))).toBeLessThan(64 * 1024 - 1_024);
  });
});
