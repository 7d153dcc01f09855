import { describe, expect, it } from "vitest";
import { primerWaitSeconds, primerWarmSeconds } from "../../../functions/domain/limits.ts";
import {
  coldCost,
  followerMarking,
  holdUntil,
  isWorthPriming,
  primerMarking,
  primerState,
  type Sharers,
  sharedPrefixOf,
} from "../../../functions/domain/priming.ts";
import { firstTurn, type TurnRequest } from "../../../functions/domain/turn-request.ts";
import { aManifest, anAgent, manifestId, noon } from "./support.ts";

const prices = { read: 0.1, write5m: 1.25, write1h: 2 };
const system = "You are the night shift. ".repeat(720);
const model = "claude-haiku-4-5";
const requestOf = (differently: Partial<TurnRequest> = {}, agent: object = {}): TurnRequest => ({
  ...firstTurn(anAgent({ system, ...agent }), {
    task: "?",
    model,
    at: noon,
    cache: { retention: "short", isAuto: false },
  }),
  ...differently,
});
const keyOf = (...of: Parameters<typeof requestOf>) => sharedPrefixOf(requestOf(...of))?.key;

describe("a shared prefix", () => {
  it("is the same for another task, time, setting and answer length", () => {
    const other = { message: "!", at: noon + 1, cacheRetention: "long", metadata: { a: 1 } } as const;
    expect(keyOf(other, { maxTokens: 9 })).toBe(keyOf());
    expect(sharedPrefixOf(requestOf())).toMatchObject({ tokens: 4_500, cacheRetention: "short" });
  });

  it.each([
    ["model", { params: { model: "claude-opus-4-5", system } }],
    ["system prompt", { params: { model, system: `${system}!` } }],
    ["tools", { params: { model, system, tools: [{ name: "look" }] } }],
    ["beta headers, which are a batch's", { betas: ["b"] }],
  ])("is another for another %s", (_, differently) => {
    expect(keyOf(differently)).toMatch(/^[0-9a-f]{32}$/);
    expect(keyOf(differently)).not.toBe(keyOf());
  });

  it("is none where a primer could do nothing", () => {
    expect(keyOf({ params: { model, system: "Be brief." } })).toBeUndefined();
    expect(keyOf({ cacheRetention: "none" })).toBeUndefined();
    const own = [{ type: "text", text: system, cache_control: { type: "ephemeral" } }];
    expect(keyOf({ params: { model, system: own } })).toBeUndefined();
  });

  it("is one all the same where auto chose none, which a primer makes another matter", () => {
    expect(keyOf({ cacheRetention: "none", cacheAuto: true })).toBe(keyOf());
  });
});

describe("the markers", () => {
  it("of a primer last an hour, and stand on its task only where an hour was asked for", () => {
    expect(primerMarking({ cacheRetention: "short" })).toEqual({ retention: "long", prefixOnly: true });
    expect(primerMarking({ cacheRetention: "long" })).toEqual({ retention: "long", prefixOnly: false });
    expect(primerMarking({ cacheRetention: "long", cacheAuto: true })).toEqual({ retention: "long", prefixOnly: true });
  });

  it("of those that follow are their own, or such as read", () => {
    expect(followerMarking({ cacheRetention: "short" })).toBeUndefined();
    expect(followerMarking({ cacheRetention: "none", cacheAuto: true })).toEqual({
      retention: "short",
      prefixOnly: true,
    });
  });
});

describe("the state of a primer", () => {
  const hint = { manifestId, at: noon };
  const results = { succeeded: 1, errored: 0, canceled: 0, expired: 0 };
  const settled = aManifest({ state: "settled", results });
  const soon = noon + 60_000;
  const late = holdUntil(hint);

  it.each([
    ["none", "without a hint", undefined, undefined, soon],
    ["pending", "while its batch is under way", hint, aManifest({ state: "submitted" }), late - 1],
    ["spent", "when the bound is over", hint, aManifest({ state: "submitted" }), late],
    ["warm", "when it succeeded, however late", hint, settled, late + 1],
    ["spent", "when it did not succeed", hint, { ...settled, results: { ...results, succeeded: 0 } }, soon],
    ["spent", "when it was given up", hint, aManifest({ state: "abandoned" }), soon],
    ["spent", "when there is no such manifest", hint, undefined, soon],
    ["none", "when what it wrote may be gone", hint, settled, noon + primerWarmSeconds * 1000],
  ])("is %s %s", (state, _, known, manifest, now) => {
    expect(primerState(known, manifest, now)).toBe(state);
  });

  it("keeps nobody waiting beyond the bound, which ends well before what it wrote does", () => {
    expect(late - noon).toBe(primerWaitSeconds * 1000);
    expect(primerWaitSeconds).toBeLessThan(primerWarmSeconds);
    expect(primerWarmSeconds).toBeLessThan(3_600);
  });
});

describe("a primer is worth it", () => {
  const sharers = (cold: number, followers: number, differently: Partial<Sharers> = {}): Sharers => ({
    tokens: 5_500,
    primer: cold,
    followers: Array.from({ length: followers }, () => cold),
    input: 500_000,
    prices,
    ...differently,
  });

  it.each([
    ["short", 1.25, 0, false],
    ["short", 1.25, 1, true],
    ["long", 2, 1, true],
    // One who follows saves 0.785 of what the primer pays more.
    ["none", 1, 1, false],
    ["none", 1, 2, true],
  ])("with %s from this many on: cold at %f, %i that follow: %s", (_, cold, followers, isWorth) => {
    expect(isWorthPriming(sharers(cold, followers))).toBe(isWorth);
  });

  it("only where the prefix costs more than holding the others back", () => {
    expect(isWorthPriming(sharers(1.25, 100, { tokens: 512, input: 1_000 }))).toBe(false);
    expect(isWorthPriming(sharers(1.25, 100, { tokens: 512, input: 50_000 }))).toBe(true);
  });

  it("by what each pays cold: the price of its marker, or of none", () => {
    expect(coldCost({ cacheRetention: "none", cacheAuto: true }, prices)).toBe(1);
    expect(coldCost({ cacheRetention: "short" }, prices)).toBe(1.25);
    expect(coldCost({ cacheRetention: "long" }, prices)).toBe(2);
  });
});
