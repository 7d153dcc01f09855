import { describe, expect, it } from "vitest";
import { anthropicBatchRequests, maxReceives, maxVisits, suspectReceives } from "../../../functions/domain/limits.ts";
import {
  isLeftToDeadLetters,
  isPoison,
  isSuspect,
  poisonError,
  suspectsPerBatch,
} from "../../../functions/domain/visits.ts";
import { aSession } from "./support.ts";

describe("a session is suspect", () => {
  it("from the third receipt of one message on, or once it was counted", () => {
    expect(isSuspect(aSession(), suspectReceives - 1)).toBe(false);
    expect(isSuspect(aSession(), suspectReceives)).toBe(true);
    expect(isSuspect(aSession({ visits: 1 }), 1)).toBe(true);
  });

  it("not for the copies of its message that were sent while it waited", () => {
    expect(isSuspect(aSession({ sendNo: 500 }), 1)).toBe(false);
  });
});

describe("a session is poison", () => {
  it("after so many visits, and not one before", () => {
    expect(isPoison(aSession())).toBe(false);
    expect(isPoison(aSession({ visits: maxVisits - 1 }))).toBe(false);
    expect(isPoison(aSession({ visits: maxVisits }))).toBe(true);
  });

  it("only after visits with nobody beside it, however large the batches are", () => {
    expect(suspectsPerBatch(maxVisits, anthropicBatchRequests)).toBe(1);
    expect(suspectsPerBatch(maxVisits - 1, anthropicBatchRequests)).toBe(1);
  });
});

describe("suspects share a batch", () => {
  it("of a tenth each time, down to one", () => {
    expect([1, 2, 3, 4].map((visits) => suspectsPerBatch(visits, 1_000))).toEqual([100, 10, 1, 1]);
    expect(suspectsPerBatch(1, 3)).toBe(1);
  });
});

describe("the message of a poisoned session", () => {
  const poisoned = aSession({ status: "failed", error: poisonError });

  it("is left until it is a dead letter, and dropped when it is new or was redriven", () => {
    const left = [1, 2, maxReceives, maxReceives + 1].map((receives) => isLeftToDeadLetters(poisoned, receives));
    expect(left).toEqual([false, true, true, false]);
  });

  it("alone is left: that of any other session that has ended is dropped", () => {
    const other = aSession({ status: "failed", error: { type: "unreadable", message: "" } });
    expect(isLeftToDeadLetters(other, 2)).toBe(false);
    expect(isLeftToDeadLetters(aSession({ status: "done" }), 2)).toBe(false);
  });
});
