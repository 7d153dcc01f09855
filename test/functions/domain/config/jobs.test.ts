import { describe, expect, it } from "vitest";
import { configOf, problemsOf, withJob, withPayload, withSchedule } from "./read.ts";

const jobOf = (config: unknown) => configOf(config).jobs[0]!;

describe("a cron job", () => {
  it("fires in UTC unless it says otherwise, and leaves routing to its agent", () => {
    expect(jobOf(withJob())).toEqual({
      id: "nightly",
      agentId: "worker",
      schedule: { kind: "cron", expr: "0 2 * * *", tz: "UTC" },
      message: "Report.",
    });
  });

  it("keeps its time zone", () => {
    expect(jobOf(withSchedule({ kind: "cron", expr: "0 2 * * *", tz: "Europe/Berlin" })).schedule).toMatchObject({
      tz: "Europe/Berlin",
    });
  });

  it("may repeat on a grid", () => {
    expect(jobOf(withSchedule({ kind: "every", expr: "15m" })).schedule).toEqual({ kind: "every", seconds: 900 });
  });

  it.each([
    [withPayload({ batch: true }), "batch"],
    [withPayload({ batch: { enabled: true } }), "batch"],
    [withPayload({ batch: { enabled: false } }), "realtime"],
    [withPayload({ routing: "realtime" }), "realtime"],
    [withJob({ batch: false }), "realtime"],
    [withJob({ routing: "batch" }), "batch"],
  ])("may choose its own routing: %j", (config, mode) => {
    expect(jobOf(config).routing).toBe(mode);
  });

  it("may choose its lane, deadline, cache and model", () => {
    const choices = { lane: "bulk", onDeadline: "fail", cacheRetention: "none" };
    const config = withPayload({ ...choices, timeoutSeconds: 60, model: "claude-opus-5-5" });
    expect(jobOf(config)).toMatchObject({
      ...choices,
      timeoutSeconds: 60,
      model: "claude-opus-5-5",
    });
  });

  it("with a timeout of 0 has none", () => {
    expect(jobOf(withPayload({ timeoutSeconds: 0 }))).not.toHaveProperty("timeoutSeconds");
  });

  it("that is not enabled is checked and left out", () => {
    expect(configOf(withJob({ enabled: false })).jobs).toEqual([]);
    expect(problemsOf(withJob({ enabled: false, agentId: "gone" }))).toHaveLength(1);
  });

  it.each([
    [withJob({ agentId: "wroker" }), 'cron.jobs[0].agentId: unknown agent "wroker" (known: worker, private)'],
    [withJob({ lane: "night" }), 'cron.jobs[0].lane: unknown lane "night" (known: default, bulk)'],
    [withPayload({ lane: "night" }), 'cron.jobs[0].payload.lane: unknown lane "night" (known: default, bulk)'],
    [
      withJob({ sessionTarget: "isolated" }),
      "cron.jobs[0].sessionTarget: unknown key: every run is a session of its own",
    ],
    [withJob({ id: "a:b" }), "cron.jobs[0].id: must match ^[a-z0-9][a-z0-9_-]{0,63}$"],
    [
      withJob({ agentId: "private", batch: true }),
      'cron.jobs[0].batch: agent "private" has zeroDataRetention, and a batch keeps its data up to 29 days',
    ],
    [withPayload({ batch: true, routing: "realtime" }), 'cron.jobs[0].payload.routing: disagrees with batch "batch"'],
    [withPayload({ batch: "yes" }), 'cron.jobs[0].payload.batch: must be true, false or {"enabled": true}'],
    [withPayload({ kind: "systemEvent" }), 'cron.jobs[0].payload.kind: must be "agentTurn"'],
    [withPayload({ message: "" }), "cron.jobs[0].payload.message: must not be empty"],
    [withPayload({ timeoutSeconds: -1 }), "cron.jobs[0].payload.timeoutSeconds: must be an integer from 0 to 2592000"],
    [withPayload({ mesage: 1 }), "cron.jobs[0].payload.mesage: unknown key (did you mean message?)"],
    [withSchedule({ kind: "at", expr: "x" }), 'cron.jobs[0].schedule.kind: must be "cron" or "every"'],
    [
      withSchedule({ kind: "cron", expr: "0 2 1 * 1" }),
      "cron.jobs[0].schedule.expr: sets both day of month and day of week, which EventBridge cannot express: one of them must be *",
    ],
    [
      withSchedule({ kind: "cron", expr: "0 2 * * *", tz: "Berlin" }),
      "cron.jobs[0].schedule.tz: must be an IANA time zone, such as Europe/Berlin",
    ],
    [
      withSchedule({ kind: "every", expr: "90s" }),
      "cron.jobs[0].schedule.expr: must be a time such as 15m, 1h or 1d, from 1m to 366d",
    ],
    [
      withSchedule({ kind: "every", expr: "1h", tz: "UTC" }),
      "cron.jobs[0].schedule.tz: has no meaning for every, which counts from the epoch",
    ],
  ])("%j: %s", (config, problem) => {
    expect(problemsOf(config)).toEqual([problem]);
  });

  it("says that milliseconds are written as a time", () => {
    expect(problemsOf(withSchedule({ kind: "every", everyMs: 1 }))).toContain(
      'cron.jobs[0].schedule.everyMs: unknown key: write expr, such as "15m"',
    );
  });
});

describe("cron jobs", () => {
  it("have ids of their own", () => {
    const config = withJob();
    expect(problemsOf({ ...config, cron: { jobs: [...config.cron.jobs, ...config.cron.jobs] } })).toEqual([
      'cron.jobs[1].id: "nightly" is the id of cron.jobs[0] already',
    ]);
  });
});
