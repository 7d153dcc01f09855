import { describe, expect, it } from "vitest";
import { standingOf } from "../../../functions/domain/standing.ts";

const answer = { type: "succeeded", source: "one" };

describe("the standing of an answer", () => {
  it.each([
    ["the winner, where its turn names it", { status: "done", source: "one" }, "winner"],
    ["the winner, even where what it says is a refusal", { status: "failed", source: "one" }, "winner"],
    ["the winner, where its turn paused with it", { status: "paused", source: "one" }, "winner"],
    ["a duplicate, where another won", { status: "done", source: "other" }, "duplicate"],
    ["after-cancel, where its turn was canceled", { status: "canceled" }, "after-cancel"],
    ["late, where its turn ran out of time", { status: "timeout" }, "late"],
    ["late, where its turn failed before it came", { status: "failed" }, "late"],
  ] as const)("is %s", (_, end, standing) => {
    expect(standingOf(answer, end)).toBe(standing);
  });

  it("is not known as long as its turn has not ended, and is nothing for what did not succeed", () => {
    expect(standingOf(answer, undefined)).toBeUndefined();
    for (const type of ["errored", "expired", "canceled", "lost", "refused"])
      expect(standingOf({ type, source: "one" }, { status: "canceled" })).toBeUndefined();
  });
});
