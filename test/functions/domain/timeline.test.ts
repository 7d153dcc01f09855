import { describe, expect, it } from "vitest";
import { maxTimelineCharacters, timelineFirst, timelineLast } from "../../../functions/domain/limits.ts";
import { type MoveName, moves, type Session } from "../../../functions/domain/session.ts";
import { isTold, readTimeline, withMove } from "../../../functions/domain/timeline.ts";
import { aSession, manifestId, noon } from "./support.ts";

const at = noon + 1_000;
const told = (name: MoveName, next: Partial<Session>, because?: string) =>
  readTimeline(withMove(name, aSession(next), { at, because })).at(-1);

describe("a timeline", () => {
  it("reads back what was told: when, where to, in which turn and attempt, and why", () => {
    const entry = told("claim", { status: "submitted", turn: 2, attempt: 3, manifestId });
    expect(entry).toEqual({ at, status: "submitted", turn: 2, attempt: 3, why: `in manifest ${manifestId}` });
  });

  it("says what the mover says, where it says something", () => {
    expect(told("leaveBatch", {}, "overloaded_error")?.why).toBe("overloaded_error");
    expect(told("leaveBatch", {})?.why).toBe("out of its manifest");
  });

  it("says how a turn ended", () => {
    expect(told("finish", { status: "done", stopReason: "end_turn" })?.why).toBe("end_turn");
    const error = { type: "refusal", message: "no" };
    expect(told("finish", { status: "failed", stopReason: "refusal", error })?.why).toBe("refusal");
    expect(told("timeOut", { status: "timeout", error: { type: "timeout", message: "late" } })?.why).toBe("timeout");
  });

  it("says something of every move", () => {
    const names: MoveName[] = Object.keys(moves).map((name) => name as MoveName);
    for (const name of names) expect([name, told(name, {})?.why]).not.toEqual([name, ""]);
  });

  it("keeps its reasons short, and whole where they have bars and line ends in them", () => {
    expect(told("leaveRun", {}, "x".repeat(500))?.why).toHaveLength(maxTimelineCharacters);
    expect(told("leaveRun", {}, "a|b\nc")?.why).toBe("a|b\nc");
  });

  it("keeps how it began and how it went on of late, however long it grows", () => {
    let timeline: string[] = [];
    for (let attempt = 1; attempt <= 100; attempt += 1)
      timeline = withMove("leaveBatch", aSession({ attempt, timeline }), { at, because: "again" });
    const attempts = readTimeline(timeline).map((entry) => entry.attempt);
    expect(attempts).toHaveLength(timelineFirst + timelineLast);
    expect(attempts.slice(0, 3)).toEqual([1, 2, 100 - timelineLast + 1]);
    expect(attempts.at(-1)).toBe(100);
  });

  it("leaves out what cannot be read, and nothing else", () => {
    const [sound = ""] = withMove("start", aSession({ status: "running" }), { at, because: undefined });
    expect(readTimeline(["", "x", `${at}|lost|1.1|?`, sound])).toEqual(readTimeline([sound]));
    expect(readTimeline([sound])).toHaveLength(1);
  });
});

describe("what is told", () => {
  const seen = aSession({ status: "submitted", manifestId });
  it.each([
    { status: "queued" as const },
    { turn: 2 },
    { attempt: 2 },
    { mode: "realtime" as const },
    { manifestId: "01KAJ900000000000000000009" },
  ])("is a change of %o", (change) => {
    expect(isTold(seen, { ...seen, ...change })).toBe(true);
  });

  it("is not that a message was sent again, or is to be looked at later", () => {
    expect(isTold(seen, { ...seen, sendNo: 2, notBefore: noon, delivered: true })).toBe(false);
  });
});
