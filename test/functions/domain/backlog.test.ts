import { describe, expect, it } from "vitest";
import { type DueEntry, noBacklog, withEntry } from "../../../functions/domain/backlog.ts";

const entry = (differently: Partial<DueEntry> = {}): DueEntry => ({
  lane: "default",
  status: "queued",
  mode: "batch",
  createdAt: 100,
  notBefore: 0,
  ...differently,
});
const tally = (...entries: DueEntry[]) => entries.reduce((backlog, one) => withEntry(backlog, one, 1_000), noBacklog);

describe("the work of a lane", () => {
  it("counts what is queued, and of it what has to wait", () => {
    const backlog = tally(entry(), entry({ notBefore: 1_000 }), entry({ notBefore: 1_001, createdAt: 50 }));
    expect(backlog).toEqual({ ...noBacklog, queued: 3, waiting: 1, oldestQueuedAt: 50 });
  });

  it("is as old as the last message of its oldest session", () => {
    expect(tally(entry({ createdAt: 1, askedAt: 90 }), entry()).oldestQueuedAt).toBe(90);
  });

  it("counts real time apart from batches", () => {
    const backlog = tally(entry({ mode: "realtime" }), entry({ status: "running", createdAt: 1 }));
    expect(backlog).toEqual({ ...noBacklog, realtimeQueued: 1, realtimeRunning: 1, oldestQueuedAt: 100 });
  });

  it("leaves out what is in a batch, and what has ended since the index was written", () => {
    expect(tally(entry({ status: "submitted" }), entry({ status: "done" }))).toEqual(noBacklog);
  });
});
