import { describe, expect, it } from "vitest";
import type { Charge } from "../../../functions/domain/ledger.ts";
import { maxUsageGroups } from "../../../functions/domain/limits.ts";
import { addEntry, type Entry, emptyRollup } from "../../../functions/domain/rollup.ts";
import type { Usage } from "../../../functions/domain/usage.ts";
import { addDay, emptyReport, type Grouping, reportCsv, reportJson } from "../../../functions/domain/usage-report.ts";
import { aUsage } from "./support.ts";

const dollar = 1_000_000_000_000n;
const entry = (
  agentId: string,
  {
    usage = {},
    charge = {},
    label,
    standing = "winner",
  }: {
    usage?: Partial<Usage>;
    charge?: Partial<Charge>;
    label?: string;
    standing?: Entry["standing"];
  } = {},
): Entry => ({
  account: { agentId, lane: "default", ...(label === undefined ? {} : { label }) },
  model: "claude-haiku-4-5",
  usage: aUsage(usage),
  charge: { paid: dollar, realtime: 2n * dollar, uncached: dollar, cacheWrites: 0n, ...charge },
  standing,
});
const report = (groupBy: Grouping, days: Record<string, Entry[]>) => {
  const made = emptyReport(groupBy);
  for (const [day, entries] of Object.entries(days)) {
    const rollup = emptyRollup();
    for (const one of entries) addEntry(rollup, one);
    addDay(made, day, rollup);
  }
  return made;
};

describe("a report of usage", () => {
  it("has totals, and groups from the dearest down", () => {
    const days = { "2026-11-20": [entry("a")], "2026-11-21": [entry("b"), entry("b")] };
    expect(reportJson(report("agent", days))).toMatchObject({
      groupBy: "agent",
      totals: { results: 3, missing: 0, totalUsd: 3, realtimeUsd: 6, savedUsd: 3, wastedUsd: 0 },
      groups: [
        { agent: "b", results: 2, totalUsd: 2 },
        { agent: "a", results: 1, totalUsd: 1 },
      ],
    });
  });

  it("has days in their order, whatever they cost", () => {
    const days = { "2026-11-21": [entry("a"), entry("a")], "2026-11-20": [entry("a")] };
    const { groups } = reportJson(report("day", days));
    expect(groups.map((group) => Reflect.get(group, "day"))).toEqual(["2026-11-20", "2026-11-21"]);
  });

  it("shows what has no label as such", () => {
    const { groups } = reportJson(report("label", { "2026-11-21": [entry("a"), entry("a", { label: "sea" })] }));
    expect(groups.map((group) => Reflect.get(group, "label"))).toEqual([null, "sea"]);
  });

  it("says what saved money: batches, and tokens read from a cache", () => {
    // Reads saved 5 dollars, writes cost 2 more than plain tokens: without a cache it would have been 3 dollars more.
    const charge = { paid: 4n * dollar, realtime: 8n * dollar, uncached: 7n * dollar, cacheWrites: 2n * dollar };
    const { totals } = reportJson(report("day", { "2026-11-21": [entry("a", { charge })] }));
    expect(totals).toMatchObject({ savedUsd: 4, savings: { batchUsd: 4, cacheReadsUsd: 5 }, cacheWritesUsd: 2 });
  });

  it("says what was wasted, by its cause", () => {
    const standings = ["duplicate", "late", "after-cancel", "winner"] as const;
    const entries = standings.map((standing) => entry("a", { standing }));
    const { totals } = reportJson(report("day", { "2026-11-21": entries }));
    expect(totals).toMatchObject({
      wastedUsd: 3,
      waste: { duplicatesUsd: 1, lateUsd: 1, afterCancelUsd: 1, unreadCacheWritesUsd: 0 },
    });
  });

  it("counts a cache write as unread where its agent read less than it wrote that day", () => {
    const wrote = (tokens: number) =>
      entry("a", { usage: { cacheWrite: tokens, cacheWrite5m: tokens }, charge: { cacheWrites: dollar } });
    const read = (agentId: string, tokens: number) => entry(agentId, { usage: { cacheRead: tokens } });
    const unread = (days: Record<string, Entry[]>) => reportJson(report("agent", days)).totals;
    const waste = (unreadCacheWritesUsd: number) => ({ waste: { unreadCacheWritesUsd } });
    expect(unread({ "2026-11-21": [wrote(1_000)] })).toMatchObject(waste(1));
    expect(unread({ "2026-11-21": [wrote(1_000), read("a", 250)] })).toMatchObject(waste(0.75));
    expect(unread({ "2026-11-21": [wrote(1_000), read("a", 9_000)] })).toMatchObject(waste(0));
    expect(unread({ "2026-11-21": [wrote(1_000), read("b", 9_000)] })).toMatchObject(waste(1));
    expect(unread({ "2026-11-20": [wrote(1_000)], "2026-11-21": [read("a", 9_000)] })).toMatchObject(waste(1));
  });

  it("does not say of a label that nobody read what it wrote, since another may have", () => {
    const wrote = entry("a", {
      label: "writer",
      usage: { cacheWrite: 1_000, cacheWrite5m: 1_000 },
      charge: { cacheWrites: dollar },
    });
    const made = report("label", {
      "2026-11-21": [wrote, entry("a", { label: "reader", usage: { cacheRead: 9_000 } })],
    });
    const { totals, groups } = reportJson(made);
    expect(totals).toMatchObject({ waste: { unreadCacheWritesUsd: 0 } });
    for (const group of groups) expect(group).toMatchObject({ waste: { unreadCacheWritesUsd: null } });
    expect(reportCsv(made).split("\r\n")[1]?.endsWith(",0,0,0,")).toBe(true);
  });

  it("shows the dearest labels of all days by themselves, and the others together, so that an answer is bounded", () => {
    const days = Array.from({ length: 3 }, (_, day) => `2026-11-0${day + 1}`);
    const entriesOf = (day: string) =>
      Array.from({ length: 900 }, (_, index) => entry("a", { label: `${day}-${index}` }));
    const dear = entry("a", { label: "dear", charge: { paid: 9n * dollar } });
    const all = Object.fromEntries(days.map((day) => [day, [dear, ...entriesOf(day)]]));
    const { totals, groups } = reportJson(report("label", all));
    expect(groups).toHaveLength(maxUsageGroups + 1);
    expect(groups[0]).toMatchObject({ label: "(others)", results: 2_701 - maxUsageGroups });
    expect(groups[1]).toMatchObject({ label: "dear", results: 3, totalUsd: 27 });
    expect(totals).toMatchObject({ results: 2_703, totalUsd: 2_727 });
  });

  it("has the share of prompts that came from a cache, if there were prompts", () => {
    const { totals } = reportJson(
      report("day", { "2026-11-21": [entry("a", { usage: { input: 25, cacheRead: 75 } })] }),
    );
    expect(totals).toMatchObject({ hitRate: 0.75, usage: { input: 25, cacheRead: 75 } });
    expect(reportJson(report("day", {})).totals).toMatchObject({ hitRate: null, results: 0, totalUsd: 0 });
  });
});

describe("a report as CSV", () => {
  const tableOf = (text: string) => text.split("\r\n").map((line) => line.split(","));

  it("has a row a group, with exact dollars", () => {
    const tiny = entry("a", { charge: { paid: 62_500n, realtime: 125_000n, uncached: 62_500n } });
    const [head = [], row = [], end] = tableOf(reportCsv(report("agent", { "2026-11-21": [tiny] })));
    expect(head.slice(0, 3)).toEqual(["agent", "results", "missing"]);
    expect(row).toHaveLength(head.length);
    expect(row[head.indexOf("totalUsd")]).toBe("0.0000000625");
    expect(head).toContain("unreadCacheWritesUsd");
    expect(end).toEqual([""]);
  });

  it.each([
    ['a "quoted", label', '"a ""quoted"", label"'],
    ["=1+1", "'=1+1"],
    ["-1,2", '"\'-1,2"'],
  ])("cannot be broken by a label, nor run it: %j", (label, cell) => {
    const text = reportCsv(report("label", { "2026-11-21": [entry("a", { label })] }));
    expect(text.split("\r\n")[1]?.startsWith(`${cell},1,`)).toBe(true);
  });
});
