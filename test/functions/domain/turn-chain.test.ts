import { describe, expect, it } from "vitest";
import type { Session } from "../../../functions/domain/session.ts";
import { chainOf, endOf, replayOf } from "../../../functions/domain/turn-chain.ts";
import type { PreviousTurn, TurnRequest } from "../../../functions/domain/turn-request.ts";
import { aSession, noon } from "./support.ts";

const request = (message: string | null, previous?: PreviousTurn): TurnRequest => ({
  params: {},
  betas: [],
  cacheRetention: "none",
  message,
  at: noon,
  ...(previous === undefined ? {} : { previous }),
});
const chain = (requests: Record<number, TurnRequest>, session: Partial<Session>) =>
  chainOf(aSession(session), new Map(Object.entries(requests).map(([turn, one]) => [Number(turn), one])));

const done = (turn: number) => ({ turn, status: "done", source: `s${turn}`, stopReason: "end_turn" }) as const;
const paused = (turn: number) => ({ turn, status: "paused", source: `s${turn}` }) as const;

describe("the turns of a session", () => {
  it("are found from the last back, each with how it ended, and none that nobody follows", () => {
    const requests = {
      1: request("a"),
      2: request("of a call that died", done(1)),
      3: request("b", done(1)),
      4: request(null, paused(3)),
      5: request("of a call that lost", done(4)),
    };
    const found = chain(requests, { status: "done", turn: 4, winner: "s4" });
    expect(found.map(({ turn, end }) => [turn, end?.status, end?.source])).toEqual([
      [1, "done", "s1"],
      [3, "paused", "s3"],
      [4, "done", "s4"],
    ]);
  });

  it("end where a request is missing", () => {
    expect(chain({ 2: request("b", done(1)) }, { turn: 2 }).map(({ turn }) => turn)).toEqual([2]);
    expect(chain({}, { turn: 1 })).toEqual([]);
  });

  it("have no end as long as they are under way", () => {
    for (const status of ["queued", "submitted", "running"] as const)
      expect(endOf(aSession({ status, winner: "s" }))).toBeUndefined();
    expect(endOf(aSession({ status: "timeout" }))).toEqual({ status: "timeout" });
    expect(endOf(aSession({ status: "failed", winner: "s", stopReason: "refusal" }))).toEqual({
      status: "failed",
      source: "s",
      stopReason: "refusal",
    });
  });
});

describe("what is sent again", () => {
  const sent = (requests: Record<number, TurnRequest>) => {
    const turns = Object.keys(requests).map(Number);
    const replayed = replayOf(chain(requests, { turn: turns.at(-1)! }));
    return replayed.map(({ request: { message }, source = null }) => [message, source]);
  };

  it("is every message with its answer, and the pauses on the way to it", () => {
    const requests = { 1: request("a"), 2: request(null, paused(1)), 3: request("b", done(2)) };
    expect(sent(requests)).toEqual([
      ["a", "s1"],
      [null, "s2"],
      ["b", null],
    ]);
  });

  it("is a pause that the current turn goes on from", () => {
    expect(sent({ 1: request("a"), 2: request(null, paused(1)) })).toEqual([
      ["a", "s1"],
      [null, null],
    ]);
  });

  it.each(["canceled", "timeout", "failed"] as const)("is the message alone, where its turn ended %s", (status) => {
    expect(sent({ 1: request("a"), 2: request("b", { turn: 1, status }) })).toEqual([
      ["a", null],
      ["b", null],
    ]);
    const half = { 1: request("a"), 2: request(null, paused(1)), 3: request("b", { turn: 2, status }) };
    expect(sent(half)).toEqual([
      ["a", null],
      ["b", null],
    ]);
  });

  it("is no answer that asks for a tool, since nobody has its result", () => {
    const asking = { turn: 1, status: "failed", source: "s1", stopReason: "tool_use" } as const;
    expect(sent({ 1: request("a"), 2: request("b", asking) })).toEqual([
      ["a", null],
      ["b", null],
    ]);
  });

  it("is nothing of what the model declined", () => {
    const declined = { turn: 2, status: "failed", source: "s2", stopReason: "refusal" } as const;
    expect(sent({ 1: request("a"), 2: request(null, paused(1)), 3: request("b", declined) })).toEqual([["b", null]]);
  });
});
