import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { derivedId } from "../../../functions/domain/ids.ts";
import { dueShards, listShards } from "../../../functions/domain/limits.ts";
import {
  canMove,
  deadlineActionAt,
  duePartition,
  dueShardOf,
  isTerminal,
  listShardOf,
  type Move,
  moves,
  nextLook,
  notes,
  type Session,
  type Status,
  shardOf,
  statuses,
  terminalStatuses,
} from "../../../functions/domain/session.ts";
import { aSession, minuteMs, noon } from "./support.ts";

/** Written by hand, so that a slip in the table of moves does not pass unseen. */
const reachable: Record<Status, readonly Status[]> = {
  queued: ["queued", "submitted", "running", "done", "failed", "canceled", "timeout"],
  submitted: ["queued", "submitted", "running", "done", "failed", "canceled", "timeout"],
  running: ["queued", "submitted", "done", "failed", "canceled", "timeout"],
  done: ["queued"],
  failed: ["queued"],
  canceled: ["queued"],
  timeout: ["queued"],
};
const pairs = statuses.flatMap((from) => statuses.map((to) => ({ from, to })));
const rows: [string, Move][] = Object.entries(moves);

describe("the moves of a session", () => {
  it.each(pairs)("from $from to $to is as the promise says", ({ from, to }) => {
    expect(canMove(from, to)).toBe(reachable[from].includes(to));
  });

  it("never leave a terminal status, but for a message of the user", () => {
    for (const [name, { from }] of rows.filter(([name]) => name !== "followUp"))
      expect(from.filter(isTerminal), name).toEqual([]);
    expect(moves.followUp).toEqual({ from: terminalStatuses, to: ["queued"], same: ["turn"] });
  });

  it("all hold the turn, or what is of one turn only, but for those that take whichever turn waits", () => {
    const ofOneTurn = ["turn", "manifestId", "run"];
    for (const [name, { same }] of rows.filter(([name]) => name !== "start" && name !== "resend"))
      expect(
        same.filter((one) => ofOneTurn.includes(one)),
        name,
      ).not.toEqual([]);
  });

  it("that end a batched turn with an error hold the manifest, and those of a run its attempt", () => {
    for (const name of ["leaveBatch", "split", "fallBack"] as const)
      expect(moves[name].same, name).toContain("manifestId");
    expect(moves.leaveRun.same).toContain("run");
  });

  it("that act on a message are refused where it was routed anew, and wait for notBefore", () => {
    expect(moves.claim.same).toEqual(["turn", "sendNo"]);
    expect(moves.start.same).toEqual(["mode"]);
    for (const name of ["claim", "start"] as const) expect(moves[name].passed, name).toEqual(["notBefore"]);
  });

  it("let an answer to the current turn win from every status that is not terminal", () => {
    expect(moves.finish.from).toEqual(statuses.filter((status) => !isTerminal(status)));
    expect(moves.finish.same).toEqual(["turn"]);
  });

  it("reach every status from queued", () => {
    const seen = new Set<Status>(["queued"]);
    for (const from of seen) for (const to of reachable[from]) seen.add(to);
    expect([...seen].toSorted()).toEqual([...statuses].toSorted());
  });

  it("are drawn in functions/README.md, each edge by its names and no other", () => {
    expect(drawnEdges()).toEqual(edgesOfTheTable());
  });
});

describe("the notes on a session", () => {
  it("hold the turn, which is enough for one that was seen ended", () => {
    expect(notes.delivered.same).toEqual(["turn"]);
    expect(notes.undelivered.same).toEqual(["turn"]);
    expect(notes.lookAgain.from.filter(isTerminal)).toEqual([]);
  });
});

const leadMs = 2 * minuteMs;
const rescueAt = noon + minuteMs;
const deadlineAt = noon + 60 * minuteMs;

describe("the time at which a deadline acts", () => {
  const cases: [string, Partial<Session>, number | undefined][] = [
    ["never without a deadline", { onDeadline: "fail" }, undefined],
    ["never where the policy is to wait", { onDeadline: "wait", deadlineAt }, undefined],
    ["at the deadline where the policy is to fail", { onDeadline: "fail", deadlineAt }, deadlineAt],
    [
      "in time for a real-time answer where it is to fall back",
      { onDeadline: "fallback", deadlineAt },
      deadlineAt - leadMs,
    ],
    [
      "never to fall back from what is real-time already",
      { onDeadline: "fallback", mode: "realtime", deadlineAt },
      undefined,
    ],
    ["never again after the fallback", { onDeadline: "fallback", fellBack: true, deadlineAt }, undefined],
  ];
  it.each(cases)("is %s", (_, session, expected) => {
    expect(deadlineActionAt(aSession(session), leadMs)).toBe(expected);
  });
});

describe("who looks at a session next", () => {
  const runEndsAt = noon + 11 * minuteMs;
  const late = { onDeadline: "fail", deadlineAt } as const;
  const soon = { onDeadline: "fail", deadlineAt: noon + 1 } as const;
  const cases: [string, Partial<Session>, ReturnType<typeof nextLook>][] = [
    ["the rescuer, for a queued one", {}, { purpose: "rescue", at: rescueAt }],
    ["the rescuer, for a queued one with a later deadline", late, { purpose: "rescue", at: rescueAt }],
    ["the deadline, where it comes before the rescue", soon, { purpose: "deadline", at: noon + 1 }],
    ["nobody but its manifest, for a submitted one", { status: "submitted" }, undefined],
    [
      "its deadline, for a submitted one that has one",
      { status: "submitted", ...late },
      { purpose: "deadline", at: deadlineAt },
    ],
    ["nobody but its manifest, for a submitted one that may wait", { status: "submitted", deadlineAt }, undefined],
    [
      "the rescuer, when the lease of a running one ends",
      { status: "running", runEndsAt },
      { purpose: "rescue", at: runEndsAt },
    ],
    [
      "the deadline of a running one before its lease ends",
      { status: "running", runEndsAt, ...soon },
      { purpose: "deadline", at: noon + 1 },
    ],
    [
      "the rescuer, for a running fallback, whatever its deadline",
      { status: "running", runEndsAt, ...soon, onDeadline: "fallback", fellBack: true },
      { purpose: "rescue", at: runEndsAt },
    ],
  ];
  it.each(cases)("is %s", (_, session, expected) => {
    expect(nextLook(aSession(session), rescueAt, leadMs)).toEqual(expected);
  });

  it.each(terminalStatuses)("is the delivery of a turn that ended %s, until it is delivered", (status) => {
    expect(nextLook(aSession({ status, ...soon }), rescueAt, leadMs)).toEqual({ purpose: "deliver", at: rescueAt });
    expect(nextLook(aSession({ status, ...soon, delivered: true }), rescueAt, leadMs)).toBeUndefined();
  });
});

describe("the shard of a session", () => {
  it("spreads derived ids over every partition", () => {
    const ids = Array.from({ length: 400 }, (_, index) => derivedId("shard", String(index)));
    expect(new Set(ids.map(dueShardOf))).toEqual(new Set(Array.from({ length: dueShards }, (_, shard) => shard)));
    expect(new Set(ids.map(listShardOf))).toEqual(new Set(Array.from({ length: listShards }, (_, shard) => shard)));
  });

  it("is always one that exists, even for an id that is none of ours", () => {
    for (const id of ["", "_", "é", "01Z"]) expect(shardOf(id, 8), id).toBeLessThan(8);
    for (const id of ["", "_", "é"]) expect(shardOf(id, 8), id).toBe(0);
  });

  it("names a partition together with the purpose, so that deadlines and rescues are swept apart", () => {
    expect(duePartition("rescue", 3)).toBe("rescue#3");
    expect(duePartition("deadline", 3)).toBe("deadline#3");
  });
});

/** `queued --> submitted`: the names of the moves, in the order of the table. */
function edgesOfTheTable(): Record<string, string> {
  const edges = new Map<string, string[]>();
  for (const [name, { from, to }] of rows) {
    for (const edge of from.flatMap((one) => to.map((other) => `${one} --> ${other}`))) {
      edges.set(edge, [...(edges.get(edge) ?? []), name]);
    }
  }
  return Object.fromEntries([...edges].map(([edge, names]) => [edge, names.join(", ")]));
}

function drawnEdges(): Record<string, string> {
  const readme = readFileSync(new URL("../../../functions/README.md", import.meta.url), "utf8");
  const [, block = ""] = /<!-- moves -->([\s\S]*?)<!-- \/moves -->/.exec(readme) ?? [];
  const edges = block.matchAll(/^\s*(\w+) --> (\w+)(?:: (.+))?$/gm);
  return Object.fromEntries([...edges].map(([, from, to, names]) => [`${from} --> ${to}`, names?.trim() ?? ""]));
}
