import { describe, expect, it } from "vitest";
import { accountOf, bookingOf, type Charge, sessionCost } from "../../../functions/domain/ledger.ts";
import type { Result } from "../../../functions/domain/outcome.ts";
import { publishedPrices, type Tier } from "../../../functions/domain/prices.ts";
import type { Usage } from "../../../functions/domain/usage.ts";
import { aSession, aUsage } from "./support.ts";

const answer = (more: Partial<Result> & { tier?: Tier } = {}) => ({
  type: "succeeded",
  billed: true,
  outcome: { kind: "answer" as const, status: "done" as const, stopReason: "end_turn", truncated: false },
  tier: "batch" as const,
  model: "claude-haiku-4-5",
  usage: aUsage({ input: 1_000 }),
  ...more,
});
const booked = (more: Parameters<typeof answer>[0] = {}) => bookingOf(aSession(), answer(more), publishedPrices);
const charged = (usage: Partial<Usage>) => booked({ usage: aUsage(usage) }).charge;

describe("whom a result is booked to", () => {
  it("is the session's agent, lane and label, and the cron job that made it", () => {
    const sessionKey = "agent:worker:cron:nightly-report:run:01kaj8z3m4n5p6q7r8s9t0v1w2";
    const session = aSession({ label: "sea", lane: "bulk", sessionKey });
    expect(accountOf(session)).toEqual({ agentId: "worker", lane: "bulk", label: "sea", cronJob: "nightly-report" });
    expect(accountOf(aSession())).toEqual({ agentId: "worker", lane: "default" });
  });
});

describe("a booking", () => {
  it("has what was paid, and what the same tokens cost in real time", () => {
    expect(charged({ input: 1_000 })).toEqual({
      paid: 500_000_000n,
      realtime: 1_000_000_000n,
      uncached: 500_000_000n,
      cacheWrites: 0n,
    });
  });

  it("has what they would cost without a cache, and what writing to it cost more", () => {
    expect(charged({ input: 100, cacheRead: 1_000, output: 10 })).toMatchObject({
      paid: 100n * 500_000n + 1_000n * 50_000n + 10n * 2_500_000n,
      uncached: 1_100n * 500_000n + 10n * 2_500_000n,
      cacheWrites: 0n,
    });
    expect(charged({ cacheWrite: 300, cacheWrite5m: 100, cacheWrite1h: 200 })).toMatchObject({
      paid: 100n * 625_000n + 200n * 1_000_000n,
      uncached: 300n * 500_000n,
      cacheWrites: 100n * 125_000n + 200n * 500_000n,
    });
  });

  it("compares prompts of one length: where caching makes the prompt long, so it is without", () => {
    const usage = aUsage({ input: 1, cacheRead: 100_000 });
    const { charge } = booked({ model: "claude-haiku-5-5", usage });
    expect(charge).toMatchObject({ paid: 250_000n + 100_000n * 25_000n, uncached: 100_001n * 250_000n });
  });

  it("goes by the model that answered, or else by the session's", () => {
    expect(booked({ model: "claude-opus-5" })).toMatchObject({
      model: "claude-opus-5",
      charge: { paid: 2_500_000_000n },
    });
    const { model: _, ...unnamed } = answer();
    expect(bookingOf(aSession(), unnamed, publishedPrices)).toMatchObject({ model: "claude-haiku-4-5" });
  });

  it("without a price has no charge, and the reason", () => {
    const { usage: _, ...lost } = answer();
    expect(bookingOf(aSession(), lost, publishedPrices)).toMatchObject({ unpriced: "no usage" });
    expect(booked({ model: "claude-next" })).toMatchObject({ unpriced: "no price for model claude-next" });
    expect(booked({ tier: "other" })).not.toHaveProperty("charge");
    expect(booked({ unpriced: "no price for this speed" })).toMatchObject({ unpriced: "no price for this speed" });
  });
});

describe("the cost of a session", () => {
  const charge = (paid: bigint, realtime = 2n * paid): Charge => ({ paid, realtime, uncached: paid, cacheWrites: 0n });
  const dollar = 1_000_000_000_000n;
  const result = (more: Partial<Parameters<typeof sessionCost>[0][number]> = {}) => ({
    billed: true,
    charge: charge(dollar),
    standing: "winner" as const,
    ...more,
  });

  it("shows what the same tokens cost in real time, and what was saved", () => {
    expect(sessionCost([result()])).toEqual({ totalUsd: 1, realtimeUsd: 2, savedUsd: 1, wastedUsd: 0, missing: 0 });
  });

  it.each(["duplicate", "late", "after-cancel"] as const)(
    "counts what is %s as waste, and in the total too",
    (standing) => {
      const realtime = result({ charge: charge(2n * dollar, 2n * dollar), standing });
      expect(sessionCost([result(), realtime])).toEqual({
        totalUsd: 3,
        realtimeUsd: 4,
        savedUsd: 1,
        wastedUsd: 2,
        missing: 0,
      });
    },
  );

  it("calls nothing waste before its turn has ended", () => {
    expect(sessionCost([result({ standing: undefined })])).toMatchObject({ totalUsd: 1, wastedUsd: 0 });
  });

  it("leaves out what Anthropic does not bill, and counts what has no price as missing", () => {
    const { charge: _, ...unpriced } = result();
    expect(sessionCost([result({ billed: false }), unpriced])).toEqual({
      totalUsd: 0,
      realtimeUsd: 0,
      savedUsd: 0,
      wastedUsd: 0,
      missing: 1,
    });
  });
});
