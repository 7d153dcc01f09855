import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../functions/domain/config/index.ts";
import { agents, configOf, parse, problemsOf } from "./read.ts";

const nothing = () => undefined;
const example = readFileSync(new URL("../../../../offpeak.json", import.meta.url), "utf8");

describe("the example", () => {
  it("parses without a warning, with a batched, a digesting and a real-time agent", () => {
    const parsed = parseConfig(example, nothing);
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
    if (!parsed.ok) return;
    expect(parsed.config.agents.map(({ id, routing }) => [id, routing.mode])).toEqual([
      ["worker", "batch"],
      ["digest", "batch"],
      ["live", "realtime"],
    ]);
    expect(parsed.config.jobs.map(({ schedule }) => schedule.kind)).toEqual(["cron", "cron", "every"]);
    expect(parsed.config.lanes.map(({ id }) => id)).toEqual(["default", "bulk"]);
  });
});

describe("a configuration", () => {
  it("needs no more than an agent with an id", () => {
    expect(configOf({ agents: { list: [{ id: "worker" }] } }).agents).toHaveLength(1);
  });

  it("keeps sessions for 90 days, or as long as it says, from 35 on: manifests are kept so long", () => {
    expect(configOf({ agents }).retentionDays).toBe(90);
    expect(configOf({ agents, retentionDays: 35 }).retentionDays).toBe(35);
    for (const retentionDays of [34, 366, 90.5, "90"])
      expect(problemsOf({ agents, retentionDays })).toEqual(["retentionDays: must be an integer from 35 to 365"]);
  });

  it("that is not JSON is refused with line and column", () => {
    expect(parseConfig('{\n  "agents": oops\n}', nothing)).toMatchObject({
      ok: false,
      problems: ["line 2, column 13: expected a value"],
    });
  });

  it("is refused with everything that is wrong with it at once", () => {
    const broken = {
      agents: { list: [{ id: "worker", cacheRetenshun: "short", maxTokens: 0, lane: "blk" }] },
      cron: { jobs: [{ id: "nightly", agentId: "wroker", schedule: { kind: "every", expr: "5s" }, payload: {} }] },
      lanes: [{ id: "Night" }],
      price: 1,
    };
    expect(problemsOf(broken).toSorted()).toEqual([
      "agents.list[0].cacheRetenshun: unknown key (did you mean cacheRetention?)",
      'agents.list[0].lane: unknown lane "blk" (known: default, bulk)',
      "agents.list[0].maxTokens: must be an integer from 1 to 300000",
      'cron.jobs[0].agentId: unknown agent "wroker" (known: worker)',
      "cron.jobs[0].payload.kind: is required",
      "cron.jobs[0].payload.message: is required",
      "cron.jobs[0].schedule.expr: must be a time such as 15m, 1h or 1d, from 1m to 366d",
      "lanes[0].id: must match ^[a-z0-9][a-z0-9-]{0,39}$, since queues are named by it",
      "price: unknown key (did you mean pricing?)",
    ]);
  });

  it.each([
    [{}, ["agents: is required"]],
    [[], ["must be an object"]],
    [null, ["must be an object"]],
    [{ agents: [] }, ["agents: must be an object"]],
    [{ agents: { list: [] } }, ["agents.list: must have at least one agent"]],
    [{ agents, cron: [] }, ["cron: must be an object"]],
    [{ agents, cron: { jobs: {} } }, ["cron.jobs: must be a list"]],
    [{ agents, lanes: {} }, ["lanes: must be a list"]],
    [{ agents, lane: [] }, ["lane: unknown key (did you mean lanes?)"]],
    [{ agents, constructor: 1 }, ["constructor: unknown key"]],
  ])("%j is refused with %j", (config, problems) => {
    expect(problemsOf(config)).toEqual(problems);
  });

  it("names a key with a line break in it on one line", () => {
    expect(problemsOf({ agents, "a\nb": 1 })).toEqual(["a b: unknown key"]);
  });

  it("never throws, whatever JSON it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(typeof parse(value).ok).toBe("boolean");
      }),
    );
  });

  it("never throws, whatever stands at one of its places", () => {
    const keys = fc.constantFrom(
      "id",
      "name",
      "system",
      "params",
      "tools",
      "batch",
      "routing",
      "schedule",
      "payload",
      "hours",
      "tz",
      "expr",
      "__proto__",
    );
    const part = fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue()));
    const config = fc.record({
      agents: fc.oneof(part, fc.record({ defaults: part, list: fc.array(part) })),
      cron: fc.oneof(part, fc.record({ jobs: fc.array(part) })),
      lanes: fc.oneof(part, fc.array(part)),
    });
    fc.assert(
      fc.property(config, (value) => {
        expect(typeof parse(value).ok).toBe("boolean");
      }),
    );
  });
});
