import { describe, expect, it } from "vitest";
import {
  callSample,
  expectedFrom,
  leadSecondsFrom,
  quantile,
  type Sample,
  sampleOf,
  secondsTaken,
} from "../../../functions/domain/latency.ts";
import {
  fallbackLeadSeconds,
  maxFallbackLeadSeconds,
  minFallbackLeadSeconds,
  minSamples,
} from "../../../functions/domain/limits.ts";
import { aLane, aSession, noon } from "./support.ts";

const samples = (count: number, differently: Partial<Sample> = {}): Sample[] =>
  Array.from({ length: count }, () => ({ at: noon, typicalSeconds: 10, slowSeconds: 20, ...differently }));

describe("a share of some values", () => {
  it("is the smallest that is no less than it", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2);
    expect(quantile([10, 9, 1, 2, 3, 4, 5, 6, 7, 8], 0.9)).toBe(9);
    expect(quantile([7], 0.95)).toBe(7);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe("what may be expected", () => {
  it("is not said before enough is known", () => {
    expect(expectedFrom(samples(minSamples - 1))).toBeUndefined();
    expect(expectedFrom(samples(minSamples))).toEqual({ typicalSeconds: 10, slowSeconds: 20, basedOn: minSamples });
  });

  it("is not moved by one that was very slow", () => {
    const many = [...samples(19), ...samples(1, { typicalSeconds: 86_400, slowSeconds: 86_400 })];
    expect(expectedFrom(many)).toMatchObject({ typicalSeconds: 10, slowSeconds: 20 });
  });

  it("has the wait for a real-time call in it", () => {
    expect(expectedFrom(samples(6, { waitSeconds: 2.5 }))).toMatchObject({ typicalSeconds: 13, slowSeconds: 23 });
  });
});

describe("the time before a deadline", () => {
  it("is the default until enough calls were answered", () => {
    expect(leadSecondsFrom([], 60)).toBe(fallbackLeadSeconds);
    expect(leadSecondsFrom(samples(minSamples - 1, { slowSeconds: 500 }), 60)).toBe(fallbackLeadSeconds);
  });

  it("is half as much again as the slow ones took, a tick for the sweep, and the wait in the queue", () => {
    expect(leadSecondsFrom(samples(10, { slowSeconds: 40, waitSeconds: 15 }), 60)).toBe(60 + 15 + 60);
  });

  it("stays within its bounds, however quick or slow calls are", () => {
    expect(leadSecondsFrom(samples(10, { slowSeconds: 0.01 }), 1)).toBe(minFallbackLeadSeconds);
    expect(leadSecondsFrom(samples(10, { slowSeconds: 599 }), 60)).toBe(maxFallbackLeadSeconds);
  });
});

describe("the time a session took", () => {
  const ended = { status: "done" as const, endedAt: noon + 90_000 };
  it("is from its acceptance to its end", () => {
    expect(secondsTaken(aSession(ended), aLane())).toBe(90);
    expect(secondsTaken(aSession(ended), undefined)).toBe(90);
  });

  it("leaves out what it waited for its lane to open", () => {
    const lane = aLane({ hours: { from: 12 * 60 + 1, to: 14 * 60, text: "12:01-14:00" } });
    expect(secondsTaken(aSession(ended), lane)).toBe(30);
  });

  it("is not known of a later turn, nor before it has ended", () => {
    expect(secondsTaken(aSession({ ...ended, turn: 2 }), aLane())).toBeUndefined();
    expect(secondsTaken(aSession(), aLane())).toBeUndefined();
  });
});

describe("what is kept of a manifest", () => {
  it("is how long half of its sessions took, and nine in ten", () => {
    const seconds = Array.from({ length: 10 }, (_, index) => 10 * (index + 1));
    expect(sampleOf(seconds, noon)).toEqual({ at: noon, typicalSeconds: 50, slowSeconds: 90 });
  });

  it("is nothing where nobody's time is known", () => {
    expect(sampleOf([], noon)).toBeUndefined();
  });
});

describe("what is kept of a real-time call", () => {
  const session = aSession({ mode: "realtime", status: "running" });
  it("is how long it took, and what the session waited before", () => {
    expect(callSample(session, noon + 2_000, noon + 5_500)).toEqual({
      at: noon + 5_500,
      typicalSeconds: 3.5,
      slowSeconds: 3.5,
      waitSeconds: 2,
    });
  });

  it.each([{ turn: 2 }, { attempt: 2 }, { sendNo: 2 }, { fellBack: true }])("is no wait where %o", (more) => {
    expect(callSample({ ...session, ...more }, noon + 2_000, noon + 3_000)).not.toHaveProperty("waitSeconds");
  });
});
