import { describe, expect, it } from "vitest";
import type { DemoSession } from "../../../infra/local/demo-api.ts";
import {
  clock,
  firstLine,
  parseDuration,
  progressLine,
  type Row,
  savings,
  standInSpoke,
  table,
  textOf,
} from "../../../infra/local/demo-text.ts";

const usage = { input: 100, output: 40, cacheRead: 20, cacheWrite: 3 };

function row(changes: Partial<DemoSession> = {}, answer: Row["answer"] = "All quiet.\nNothing else."): Row {
  const session: DemoSession = {
    sessionId: "01M7YV8RTQ0SQB1CXN9H60S8D9",
    agentId: "worker",
    status: "done",
    usage,
    cost: { totalUsd: 0.00001, realtimeUsd: 0.00002, missing: 0 },
    delivery: { status: "delivered" },
    ...changes,
  };
  return { session, answer };
}

describe("the text of an answer", () => {
  it("is a string as it is", () => {
    expect(textOf("Good morning.")).toBe("Good morning.");
  });

  it("leaves out thinking and tool calls, and joins what is left", () => {
    const blocks = [
      { type: "thinking", thinking: "Hm.", signature: "x" },
      { type: "text", text: "Good ", citations: null },
      { type: "tool_use", id: "t", name: "look", input: {} },
      { type: "text", text: "morning." },
    ];
    expect(textOf(blocks)).toBe("Good morning.");
  });

  it("is empty where no block can be read", () => {
    expect(textOf([null, 7, { type: "text" }])).toBe("");
  });
});

describe("the first line", () => {
  it("is the first one with anything on it", () => {
    expect(firstLine("\n  \r\n  Report:   three points\nmore", 60)).toBe("Report: three points");
  });

  it("is cut to its width with an ellipsis, a character at a time", () => {
    expect(firstLine("abcdefgh", 5)).toBe("abcd…");
    expect(firstLine("👩‍👩‍👧‍👧👩‍👩‍👧‍👧👩‍👩‍👧‍👧", 2)).toBe("👩‍👩‍👧‍👧…");
    expect(firstLine("abcde", 5)).toBe("abcde");
  });

  it("holds nothing that could steer a terminal", () => {
    expect(firstLine("\u001B[31mred\u0007 alert", 60)).toBe("[31mred alert");
  });
});

describe("the progress line", () => {
  it("counts only what there is, in the order of the flow", () => {
    expect(progressLine(["done", "submitted", "queued", "submitted"], 14.9)).toBe(
      "    14 s  queued 1  submitted 2  done 1",
    );
  });

  it("tells time in words that fit it", () => {
    expect([0.4, 59.9, 65, 3600, 86_400].map(clock)).toEqual([
      "0 s",
      "59 s",
      "1 min 05 s",
      "1 h 00 min",
      "24 h 00 min",
    ]);
  });
});

describe("the table", () => {
  it("shows each session with its tokens and both prices, and their sums", () => {
    const lines = table(
      [row(), row({ agentId: "live", cost: { totalUsd: 0.00002, realtimeUsd: 0.00002, missing: 0 } })],
      140,
    );
    expect(lines.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "))).toEqual([
      "session | agent | status | answer | in | out | cost | real-time",
      expect.stringMatching(/^─+ \| ─+/),
      "01M7YV8RTQ0SQB1CXN9H60S8D9 | worker | done | All quiet. | 123 | 40 | $0.000010 | $0.000020",
      "01M7YV8RTQ0SQB1CXN9H60S8D9 | live | done | All quiet. | 123 | 40 | $0.000020 | $0.000020",
      expect.stringMatching(/^─+ \| ─+/),
      "total | 2 sessions | 246 | 80 | $0.000030 | $0.000040",
    ]);
  });

  it("fits the terminal by cutting answers, but never below what can be read", () => {
    const long = row({}, "x".repeat(200));
    const widest = (columns: number) =>
      Math.max(
        ...table([long], columns)
          .split("\n")
          .map((line) => line.length),
      );
    expect(widest(120)).toBe(120);
    expect(widest(10)).toBeLessThan(120);
    expect(table([long], 10)).toContain(`${"x".repeat(23)}…`);
  });

  it("shows the error of a session that did not end well, and a cost that is not known as such", () => {
    const failed = row({ status: "failed", error: { type: "refusal", message: "No." }, cost: undefined }, undefined);
    expect(table([failed], 140)).toMatch(/failed +refusal: No\. +123 +40 +unknown +unknown/);
  });
});

describe("the savings", () => {
  it("are what waiting has saved, in percent of the real-time price", () => {
    expect(savings([row(), row()])).toBe("$0.000020 instead of $0.000040: 50 % saved.");
  });

  it("say whose cost is missing instead of taking it as nothing", () => {
    const unknown = row({ cost: { totalUsd: 0, realtimeUsd: 0, missing: 1 } });
    expect(savings([row(), unknown, row({ cost: undefined })])).toContain("The cost of 2 of them is not known");
    expect(savings([unknown])).toContain("$0.000000 instead of $0.000000: 0 % saved.");
  });
});

it("an answer of the stand-in is known by what it says of itself", () => {
  const text = "Report: x\n\n(Written by the local stand-in for Anthropic; no model was asked.)";
  expect(standInSpoke(row({}, [{ type: "text", text }]))).toBe(true);
  expect(standInSpoke(row())).toBe(false);
  expect(standInSpoke(row({}, undefined))).toBe(false);
});

it("durations are read in seconds, minutes or hours", () => {
  expect(["90", "90s", "30m", "24h"].map(parseDuration)).toEqual([90, 90, 1800, 86_400]);
  expect(["", "0", "-1", "1.5h", "h", "1d"].map(parseDuration)).toEqual(Array.from({ length: 6 }, () => undefined));
});
