import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBatch, parseBatchPage } from "../../../functions/domain/batch.ts";
import { noon } from "./support.ts";

const counts = { processing: 0, succeeded: 3, errored: 1, canceled: 0, expired: 2 };
const shown = {
  id: "msgbatch_013Zva2CMHLNnXjNJJKqJ2EF",
  type: "message_batch",
  processing_status: "ended",
  request_counts: counts,
  created_at: "2026-11-21T12:00:00+00:00",
  expires_at: "2026-11-22T12:00:00+00:00",
  ended_at: "2026-11-21T12:30:00.250Z",
  cancel_initiated_at: null,
  archived_at: null,
  results_url: "https://api.anthropic.com/v1/messages/batches/msgbatch_013Zva2CMHLNnXjNJJKqJ2EF/results",
};

describe("a batch as Anthropic shows it", () => {
  it("is read in our words, times in milliseconds", () => {
    expect(parseBatch(shown)).toEqual({
      batchId: shown.id,
      status: "ended",
      total: 6,
      counts,
      createdAt: noon,
      endedAt: noon + 30 * 60_000 + 250,
      resultsUrl: shown.results_url,
    });
  });

  it("has the number of its requests from the start, though its counts stand still until the end", () => {
    const processing = { processing: 6, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
    const open = {
      ...shown,
      processing_status: "in_progress",
      request_counts: processing,
      ended_at: null,
      results_url: null,
    };
    expect(parseBatch(open)).toEqual({
      batchId: shown.id,
      status: "in_progress",
      total: 6,
      counts: processing,
      createdAt: noon,
    });
  });

  it("says when its results were archived", () => {
    expect(parseBatch({ ...shown, archived_at: "2026-12-20T12:00:00Z", results_url: null })).toMatchObject({
      archivedAt: Date.parse("2026-12-20T12:00:00Z"),
    });
  });

  const { id: _id, ...nameless } = shown;
  it.each([
    ["a page of a proxy", "<html>"],
    ["nothing", undefined],
    ["null", null],
    ["without an id", nameless],
    ["with an empty id", { ...shown, id: "" }],
    ["in a state not known", { ...shown, processing_status: "paused" }],
    ["with a count missing", { ...shown, request_counts: { processing: 1 } }],
    ["with a negative count", { ...shown, request_counts: { ...counts, expired: -1 } }],
    ["with a time that is none", { ...shown, created_at: "yesterday" }],
    ["with an end that is none", { ...shown, ended_at: "soon" }],
  ])("is no batch where it is %s", (_, input) => {
    expect(parseBatch(input)).toBeUndefined();
  });
});

describe("a page of batches", () => {
  it("tells whether there is more, and after which id", () => {
    const page = { data: [shown], has_more: true, first_id: shown.id, last_id: shown.id };
    expect(parseBatchPage(page)).toEqual({ batches: [parseBatch(shown)], hasMore: true, lastId: shown.id });
    expect(parseBatchPage({ data: [], has_more: false, last_id: null })).toEqual({ batches: [], hasMore: false });
  });

  it("of which one entry cannot be read proves nothing about the others, so it is none", () => {
    expect(parseBatchPage({ data: [shown, nameless()], has_more: false })).toBeUndefined();
  });

  it("never throws, whatever it holds", () => {
    fc.assert(fc.property(fc.jsonValue(), (any) => void parseBatchPage(any)));
    fc.assert(fc.property(fc.jsonValue(), (any) => void parseBatchPage({ data: [any], has_more: false })));
  });
});

function nameless(): object {
  return { ...shown, id: undefined };
}
