import { describe, expect, it } from "vitest";
import {
  isOpen,
  type ManifestState,
  manifestMoves,
  manifestStates,
  readAgainSeconds,
  standingOf,
} from "../../../functions/domain/manifest.ts";
import { aSession, sessionId } from "./support.ts";

const rows: [string, { from: readonly ManifestState[]; to: ManifestState | undefined }][] =
  Object.entries(manifestMoves);
const allows = (from: ManifestState, to: ManifestState) =>
  rows.some(([, move]) => move.from.includes(from) && move.to === to);

/** Written by hand, so that a slip in the table of moves does not pass unseen. */
const reachable: Record<ManifestState, readonly ManifestState[]> = {
  preparing: ["submitting", "abandoned"],
  submitting: ["submitting", "submitted", "abandoned"],
  submitted: ["settled"],
  abandoned: ["submitted", "closed"],
  closed: ["submitted"],
  settled: [],
};
const pairs = manifestStates.flatMap((from) => manifestStates.map((to) => ({ from, to })));

describe("the moves of a manifest", () => {
  it.each(pairs)("from $from to $to is as the promise says", ({ from, to }) => {
    expect(allows(from, to)).toBe(reachable[from].includes(to));
  });

  it("never abandon one whose batch is known", () => {
    expect(manifestMoves.abandon.from).not.toContain("submitted");
  });

  it("let a batch that turns up late be adopted, however its manifest was given up", () => {
    expect(manifestMoves.accept.from).toEqual(["submitting", "abandoned", "closed"]);
  });

  it("never leave one whose members are all accounted for", () => {
    for (const [name, { from }] of rows) expect(from, name).not.toContain("settled");
  });
});

describe("a manifest", () => {
  it.each(manifestStates)("is looked at each tick until it is settled or closed: %s", (state) => {
    expect(isOpen(state)).toBe(!["settled", "closed"].includes(state));
  });

  it("has its results read again after 1, 2, 4, 8… ticks, and never later than the bound", () => {
    const pauses = [1, 2, 3, 4, 5, 60, 5_000].map((failures) => readAgainSeconds(failures, 60, 600));
    expect(pauses).toEqual([60, 120, 240, 480, 600, 600, 600]);
  });
});

describe("a member", () => {
  const here = "01KAJ900000000000000000001";
  const there = "01KAJ900000000000000000002";
  it.each([
    ["waits while it is in the manifest", { status: "submitted" as const, manifestId: here }, "waiting"],
    ["waits while a fallback runs beside it", { status: "running" as const, manifestId: here }, "waiting"],
    ["has ended by its answer", { status: "done" as const, manifestId: here, winner: here }, "ended"],
    ["has ended without an answer", { status: "failed" as const, manifestId: here }, "ended"],
    ["has left for the queue", { status: "queued" as const }, "left"],
    ["has left for another manifest", { status: "submitted" as const, manifestId: there }, "left"],
    ["has left where a fallback won", { status: "done" as const, manifestId: here, winner: "rt-1" }, "left"],
    ["has left for another turn", { status: "submitted" as const, manifestId: here, turn: 2 }, "left"],
  ])("%s", (_, session, standing) => {
    expect(standingOf(aSession(session), { sessionId, turn: 1 }, here)).toBe(standing);
  });
});
