import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  committed,
  emptyDay,
  estimateOf,
  isSpentUnseen,
  nanoToUsd,
  pursesOf,
  toNanoUsd,
} from "../../../functions/domain/budget.ts";
import type { Lane } from "../../../functions/domain/config/index.ts";
import { publishedPrices } from "../../../functions/domain/prices.ts";
import { costOf } from "../../../functions/domain/pricing.ts";
import type { Session } from "../../../functions/domain/session.ts";
import type { TurnRequest } from "../../../functions/domain/turn-request.ts";
import { configOf } from "./config/read.ts";
import { aLane, aSession, aUsage, noon } from "./support.ts";

const request = (more: Partial<TurnRequest> = {}): TurnRequest => ({
  params: { model: "claude-haiku-4-5", max_tokens: 1_000 },
  betas: [],
  cacheRetention: "none",
  message: "Write.",
  at: noon,
  ...more,
});
const estimate = (session: Partial<Session> = {}, requests = [request()], lane: Lane | undefined = aLane()) =>
  estimateOf(aSession(session), { requests, lane }, publishedPrices);
const nanos = (...asked: Parameters<typeof estimate>): number => {
  const found = estimate(...asked);
  if (!found.known) throw new Error(found.why);
  return found.nanoUsd;
};

describe("the purses of a session", () => {
  const config = configOf({
    agents: { list: [{ id: "worker", budget: { usdPerDay: 5 } }, { id: "digest" }] },
    lanes: [{ id: "night", budget: { usdPerTask: 1, onExceeded: "hold" } }],
  });

  it("are its agent's and its lane's, where they have a budget", () => {
    expect(pursesOf({ agentId: "worker", lane: "night" }, config).map(({ name }) => name)).toEqual([
      "agent#worker",
      "lane#night",
    ]);
    expect(pursesOf({ agentId: "worker", lane: "default" }, config)).toEqual([
      { name: "agent#worker", budget: { usdPerDay: 5, onExceeded: "reject" } },
    ]);
    expect(pursesOf({ agentId: "digest", lane: "default" }, config)).toEqual([]);
  });
});

describe("what is committed of a day", () => {
  it("is what was spent, and what is still reserved", () => {
    expect(committed(emptyDay)).toBe(0);
    expect(committed({ reserved: 10, released: 4, spent: 3 })).toBe(9);
  });

  it("is in whole billionths of a dollar", () => {
    expect(toNanoUsd(0.1 + 0.2)).toBe(300_000_000);
    expect(nanoToUsd(1_500_000_000)).toBe(1.5);
  });
});

describe("the estimate of a turn", () => {
  const prompt = Buffer.byteLength(JSON.stringify(request().params)) + 6;

  it("counts each byte as a token, and the whole of max_tokens, at the price of its tier", () => {
    expect(nanos()).toBe(prompt * 500 + 1_000 * 2_500);
    expect(nanos({ mode: "realtime" })).toBe(2 * nanos());
  });

  it("counts the prompt as written to the cache, where it is marked for it", () => {
    expect(nanos({}, [request({ cacheRetention: "short" })])).toBe(prompt * 625 + 1_000 * 2_500);
    const dearest = prompt * 1_000 + 1_000 * 2_500;
    expect(nanos({}, [request({ cacheRetention: "long" })])).toBe(dearest);
    expect(nanos({}, [request({ cacheAuto: true })])).toBe(dearest);
    const params = { max_tokens: 0, tools: [{ cache_control: { type: "ephemeral", ttl: "1h" } }] };
    const bytes = Buffer.byteLength(JSON.stringify(params)) + 6;
    expect(nanos({}, [request({ cacheRetention: "short", params })])).toBe(bytes * 1_000);
  });

  it("has the fallback in it, and what may go real-time because its key cannot batch", () => {
    const timed = { onDeadline: "fallback" as const, deadlineAt: noon + 60_000 };
    expect(nanos(timed)).toBe(3 * nanos());
    expect(nanos({ onDeadline: "fallback" })).toBe(nanos());
    expect(nanos({}, [request()], aLane({ onBatchUnavailable: "realtime" }))).toBe(2 * nanos());
    expect(nanos({}, [request()], undefined)).toBe(nanos());
  });

  it("has the turns before it in it, each with the longest answer", () => {
    const turns = [request({ message: "x".repeat(100) }), request({ message: null }), request()];
    expect(nanos({}, turns)).toBe((prompt + 100 + 2_000) * 500 + 1_000 * 2_500);
  });

  it("goes by the price of long prompts where the prompt may be long", () => {
    const long = [request({ message: "x".repeat(100_001) })];
    const model = "claude-haiku-5-5";
    expect(nanos({ model }, long)).toBeGreaterThan(
      5 * nanos({ model }, [request({ message: "x".repeat(99_000) })]) - 1,
    );
  });

  it("is not known without a price, and not 0", () => {
    expect(estimate({ model: "claude-next" })).toEqual({ known: false, why: "no price for model claude-next" });
    const abroad = [request({ params: { max_tokens: 1, inference_geo: "eu" } })];
    expect(estimate({}, abroad)).toEqual({ known: false, why: "no price for inference in eu" });
  });

  it("is never less than what the turn then costs", () => {
    const usages = fc.record({
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      output: fc.nat(1_000),
      cached: fc.nat(2),
    });
    const retentions = fc.constantFrom("none" as const, "short" as const, "long" as const);
    fc.assert(
      fc.property(
        usages,
        retentions,
        fc.string({ maxLength: 300 }),
        ({ share, output, cached }, cacheRetention, message) => {
          const asked = request({ cacheRetention, message });
          const tokens = Math.floor(Buffer.byteLength(JSON.stringify(asked.params) + message) * share);
          const written = cacheRetention === "none" || cached === 0 ? 0 : tokens;
          const kind = cacheRetention === "long" ? { cacheWrite1h: written } : { cacheWrite5m: written };
          const usage = aUsage({ input: tokens - written, cacheWrite: written, ...kind, output });
          const cost = costOf({ model: "claude-haiku-4-5", tier: "batch", usage }, publishedPrices);
          expect(cost.known && cost.picoUsd <= BigInt(nanos({}, [asked])) * 1_000n).toBe(true);
        },
      ),
    );
  });
});

describe("a call that nobody knows the outcome of", () => {
  it("counts as spent, since it may have been paid", () => {
    expect(isSpentUnseen({ type: "unknown_outcome", message: "?" })).toBe(true);
    expect([isSpentUnseen({ type: "canceled", message: "?" }), isSpentUnseen(undefined)]).toEqual([false, false]);
  });
});
