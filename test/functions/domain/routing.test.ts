import { describe, expect, it } from "vitest";
import type { Agent, CronJob } from "../../../functions/domain/config/index.ts";
import { RequestError } from "../../../functions/domain/errors.ts";
import { maxTimelineCharacters } from "../../../functions/domain/limits.ts";
import {
  type Asked,
  deadlineWhy,
  describeRouting,
  followUpRouting,
  ownRouting,
  resolveRouting,
  takenRealtime,
  unavailableWhy,
} from "../../../functions/domain/routing.ts";
import type { Session } from "../../../functions/domain/session.ts";
import { aLane, anAgent, aSession, noon } from "./support.ts";

const lanes = [aLane(), aLane({ id: "bulk", onDeadline: "fail" }), aLane({ id: "live" })];
const aJob = (differently: Partial<CronJob> = {}): CronJob => ({
  id: "nightly",
  agentId: "worker",
  schedule: { kind: "every", seconds: 900 },
  message: "Go.",
  ...differently,
});
const resolve = ({ asked = {}, job, agent = {} }: { asked?: Asked; job?: Partial<CronJob>; agent?: Partial<Agent> }) =>
  resolveRouting(asked, job === undefined ? undefined : aJob(job), anAgent(agent), lanes);

function refusal(work: () => unknown): RequestError {
  try {
    work();
  } catch (error) {
    if (error instanceof RequestError) return error;
  }
  throw new Error("it was not refused");
}

const [batch, realtime] = ["batch", "realtime"] as const;

describe("the mode of a session", () => {
  it("is the request's, before all others", () => {
    const routing = resolve({
      asked: { mode: realtime },
      job: { routing: batch },
      agent: { routing: { mode: batch, from: "agent" } },
    });
    expect(routing).toMatchObject({ mode: realtime, why: "realtime, set by the request" });
  });

  it("is the cron job's where the request says nothing", () => {
    const routing = resolve({ job: { routing: realtime }, agent: { routing: { mode: batch, from: "agent" } } });
    expect(routing).toMatchObject({ mode: realtime, why: "realtime, set by the cron job" });
  });

  it.each([
    ["agent", "batch, set by the agent"],
    ["defaults", "batch, set by the defaults"],
    ["default", "batch, the default"],
  ] as const)("is what the %s says where neither does", (from, why) => {
    expect(resolve({ agent: { routing: { mode: batch, from } } })).toMatchObject({ mode: batch, why });
    expect(resolve({ job: {}, agent: { routing: { mode: batch, from } } })).toMatchObject({ mode: batch, why });
  });
});

describe("the mode of a follow-up", () => {
  it("is what it asks for", () => {
    const asked = followUpRouting(realtime, aSession(), anAgent());
    expect(asked).toEqual({
      mode: realtime,
      why: "realtime, set by the request",
      zeroDataRetention: false,
      ownWhy: undefined,
    });
  });

  it("is the session's where it asks for nothing, whatever the agent says by now", () => {
    const agent = anAgent({ routing: { mode: realtime, from: "agent" } });
    const before = aSession({ why: "batch, the default" });
    expect(followUpRouting(undefined, before, agent)).toMatchObject({ mode: batch, why: "batch, the default" });
  });

  it.each([deadlineWhy, unavailableWhy])("is its own again where it was only taken there: %s", (because) => {
    const before = aSession({ why: "batch, set by the agent" });
    const taken = { ...before, ...takenRealtime(before, because) };
    expect(taken).toMatchObject({ mode: realtime, why: because });
    // The timeline has room for all of it.
    expect(because.length).toBeLessThanOrEqual(maxTimelineCharacters);
    const own = { mode: batch, why: "batch, set by the agent", ownWhy: undefined };
    expect(followUpRouting(undefined, taken, anAgent())).toMatchObject(own);
    expect(ownRouting(taken)).toEqual(own);
    expect(followUpRouting(realtime, taken, anAgent())).toMatchObject({ mode: realtime, ownWhy: undefined });
  });

  it("is never batch with zero data retention: asked for it is an error, else it becomes real-time", () => {
    const agent = anAgent({ zeroDataRetention: true });
    expect(refusal(() => followUpRouting(batch, aSession(), agent))).toMatchObject({ status: 400, param: "routing" });
    expect(followUpRouting(undefined, aSession(), agent)).toMatchObject({ mode: realtime, zeroDataRetention: true });
    const removed = aSession({ mode: realtime, zeroDataRetention: true });
    expect(refusal(() => followUpRouting(batch, removed, undefined))).toMatchObject({ param: "routing" });
  });

  it("is what its latest time counts from", () => {
    const before = describeRouting(aSession()).expectedCompletion.latestAt;
    const later = describeRouting(aSession({ askedAt: noon + 60_000 })).expectedCompletion.latestAt;
    expect(Date.parse(later) - Date.parse(before)).toBe(60_000);
  });
});

describe("an agent with zero data retention", () => {
  const agent = { zeroDataRetention: true } as const;

  it.each([
    ["request", { asked: { mode: batch } }],
    ["cron job", { job: { routing: batch } }],
  ])("is not batched when its %s asks for that: the error names routing", (_, asks) => {
    const error = refusal(() => resolve({ ...asks, agent }));
    expect(error).toMatchObject({ status: 400, param: "routing" });
    expect(error.message).toBe('agent "worker" has zeroDataRetention, and batches keep their data up to 29 days');
  });

  it.each(["defaults", "default", "zeroDataRetention"] as const)(
    "runs real-time where batch is inherited: %s",
    (from) => {
      const mode = from === "zeroDataRetention" ? realtime : batch;
      const routing = resolve({ agent: { ...agent, routing: { mode, from } } });
      expect(routing).toMatchObject({
        mode: realtime,
        zeroDataRetention: true,
        why: "realtime, because the agent has zeroDataRetention and batches keep their data",
      });
    },
  );

  it("may ask for real time by name", () => {
    const routing = resolve({ asked: { mode: realtime }, agent });
    expect(routing).toMatchObject({ mode: realtime, zeroDataRetention: true, why: "realtime, set by the request" });
  });

  it("is promised nothing without it", () => {
    expect(resolve({ asked: { mode: realtime } }).zeroDataRetention).toBe(false);
  });
});

describe("the lane of a session", () => {
  const agent = { lane: { id: "live", from: "agent" } } as const;

  it("is the nearest that is named", () => {
    expect(resolve({ asked: { lane: "default" }, job: { lane: "bulk" }, agent }).lane).toBe("default");
    expect(resolve({ job: { lane: "bulk" }, agent }).lane).toBe("bulk");
    expect(resolve({ job: {}, agent }).lane).toBe("live");
    expect(resolve({}).lane).toBe("default");
  });

  it("must exist: the error names it, and those that do", () => {
    const error = refusal(() => resolve({ asked: { lane: "nowhere" } }));
    expect(error).toMatchObject({ status: 400, param: "lane" });
    expect(error.message).toBe('unknown lane "nowhere" (known: default, bulk, live)');
  });
});

describe("the deadline policy of a session", () => {
  it("is the nearest that is named: request, cron job, agent, lane", () => {
    const bulk = { lane: "bulk" };
    const agent = { onDeadline: "fallback" } as const;
    expect(resolve({ asked: { ...bulk, onDeadline: "wait" }, job: { onDeadline: "fail" }, agent }).onDeadline).toBe(
      "wait",
    );
    expect(resolve({ asked: bulk, job: { onDeadline: "wait" }, agent }).onDeadline).toBe("wait");
    expect(resolve({ asked: bulk, job: {}, agent }).onDeadline).toBe("fallback");
    expect(resolve({ asked: bulk, job: {} }).onDeadline).toBe("fail");
  });

  it("is to wait where nobody names one: the full price is never spent unasked", () => {
    expect(resolve({}).onDeadline).toBe("wait");
  });
});

describe("the trade that a caller is shown", () => {
  it("is half the price within 24 hours, in a batch", () => {
    expect(describeRouting(aSession())).toEqual({
      mode: "batch",
      lane: "default",
      why: "batch, set by the agent",
      expectedCompletion: { typicalSeconds: 3_600, latestAt: "2026-11-22T12:00:00.000Z" },
      priceMultiplier: 0.5,
      zeroDataRetention: false,
      onDeadline: "wait",
    });
  });

  it("is the full price at once, in real time", () => {
    const shown = describeRouting(aSession({ mode: realtime, zeroDataRetention: true }));
    expect(shown).toMatchObject({ mode: realtime, priceMultiplier: 1, zeroDataRetention: true });
    expect(shown.expectedCompletion).toEqual({ typicalSeconds: 30, latestAt: "2026-11-21T12:10:00.000Z" });
  });

  const deadlineAt = noon + 3_600_000;
  it.each([
    ["fail", "2026-11-21T13:00:00.000Z"],
    ["fallback", "2026-11-21T13:00:00.000Z"],
    ["wait", "2026-11-22T12:00:00.000Z"],
  ] as const)("ends at a deadline only where something happens then: %s", (onDeadline, latestAt) => {
    expect(describeRouting(aSession({ onDeadline, deadlineAt })).expectedCompletion.latestAt).toBe(latestAt);
  });

  it("is not put off by a deadline that is later", () => {
    const shown = describeRouting(aSession({ onDeadline: "fail", deadlineAt: noon + 30 * 24 * 3_600_000 }));
    expect(shown.expectedCompletion.latestAt).toBe("2026-11-22T12:00:00.000Z");
  });

  it("is what the lane did of late, where enough is known: the usual case, the slow case, and of how many", () => {
    const expected = new Map([
      ["default", { typicalSeconds: 900, slowSeconds: 2_700, basedOn: 12 }],
      ["realtime", { typicalSeconds: 4, slowSeconds: 9, basedOn: 64 }],
    ]);
    const shown = (session: Partial<Session>) => describeRouting(aSession(session), expected).expectedCompletion;
    expect(shown({})).toMatchObject({ typicalSeconds: 900, slowSeconds: 2_700, basedOn: 12 });
    expect(shown({ mode: realtime })).toMatchObject({ typicalSeconds: 4, slowSeconds: 9, basedOn: 64 });
    expect(shown({ lane: "bulk" })).not.toHaveProperty("basedOn");
    expect(shown({ notBefore: noon + 60_000 })).toMatchObject({ typicalSeconds: 960, slowSeconds: 2_760 });
  });
});
