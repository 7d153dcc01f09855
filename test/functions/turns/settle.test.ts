import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../functions/domain/outcome.ts";
import { isTerminal, type Session, statuses, terminalStatuses } from "../../../functions/domain/session.ts";
import { sessionItem } from "../../../functions/store/session-items.ts";
import type { ResultEntry } from "../../../functions/store/turns.ts";
import { settle } from "../../../functions/turns/settle.ts";
import { testWorld } from "../../support/world.ts";
import { aSession, aUsage, manifestId, sessionId } from "../domain/support.ts";

const otherManifest = "01KAJ900000000000000000009";
const error = { type: "overloaded_error", message: "Overloaded" };

const answers: Record<string, Outcome> = {
  "an answer": { kind: "answer", status: "done", stopReason: "end_turn", truncated: false },
  "a refusal to answer": { kind: "answer", status: "failed", stopReason: "refusal", truncated: false, error },
  "a pause": { kind: "continue", stopReason: "pause_turn" },
};
const others: Record<string, Outcome> = {
  "an error for good": { kind: "refused", error },
  "an error worth another try": { kind: "again", error },
  "a lack of credit": { kind: "park", reason: "credit", error },
  "a cancellation": { kind: "canceled" },
};

const entry = (outcome: Outcome, more: Partial<ResultEntry> = {}): ResultEntry => ({
  sessionId,
  turn: 2,
  source: manifestId,
  type: "succeeded",
  billed: true,
  outcome,
  usage: aUsage({ output: 5 }),
  tier: "batch",
  receivedAt: 1,
  text: "{}",
  ...more,
});

/** A session as it would be in that state, with the requests of its turns. */
async function sessionIn(status: Session["status"], more: Partial<Session> = {}) {
  const world = testWorld();
  const inManifest = status === "submitted" || status === "running" ? { manifestId } : {};
  const running = status === "running" ? { run: "rt-1", runEndsAt: world.clock.now() + 1 } : {};
  const session = aSession({ status, turn: 2, ...inManifest, ...running, ...more });
  await world.table.put({ item: sessionItem(session, undefined), when: [] });
  const request = { params: { model: "m" }, betas: [], cacheRetention: "none" as const, message: "t", at: 1 };
  for (const turn of [1, 2]) await world.deps.turns.insertRequest({ sessionId, turn, hash: "h", request });
  const see = () => world.deps.sessions.get(sessionId);
  return { world, session, see, settle: (one: ResultEntry, seen = session) => settle(seen, one, world.deps) };
}

const unfinished = statuses.filter((status) => !isTerminal(status));
const everything = Object.entries({ ...answers, ...others });

describe("a usable answer of the current turn", () => {
  const rows = unfinished.flatMap((status) =>
    Object.entries(answers).map(([name, outcome]) => [name, status, outcome] as const),
  );

  it.each(rows)(
    "moves the session from wherever it is, whichever manifest it came from: %s, %s",
    async (_name, status, outcome) => {
      for (const source of [manifestId, otherManifest]) {
        const { settle, see } = await sessionIn(status);
        const ended = await settle(entry(outcome, { source }));
        const now = await see();
        if (outcome.kind === "answer") {
          expect(now).toMatchObject({ status: outcome.status, winner: source, stopReason: outcome.stopReason });
          expect(ended).toEqual(now);
        } else expect(now).toMatchObject({ status: "queued", turn: 3, attempt: 1, sendNo: 1, notBefore: 0 });
      }
    },
  );
});

describe("every other outcome", () => {
  const rows = Object.entries(others);

  it.each(rows)("moves a session that waits for this very manifest: %s", async (_name, outcome) => {
    const { settle, see } = await sessionIn("submitted");
    await settle(entry(outcome));
    expect((await see())?.status).toBe(outcome.kind === "refused" ? "failed" : "queued");
  });

  it.each(rows)("moves nobody else: %s", async (_name, outcome) => {
    const waiting: [Session["status"], Partial<Session>, string][] = [
      ["queued", {}, manifestId],
      ["submitted", {}, otherManifest],
      ["running", {}, manifestId],
    ];
    for (const [status, more, source] of waiting) {
      const { world, session, settle, see } = await sessionIn(status, more);
      expect(await settle(entry(outcome, { source }))).toBeUndefined();
      expect(await see(), `${status} ${source}`).toEqual(session);
      expect((await world.deps.turns.read(sessionId)).results).toHaveLength(1);
      expect(await world.deps.lanes.parked("default")).toBeUndefined();
    }
  });
});

describe("a result", () => {
  it.each(everything)("of an earlier turn is booked and moves nobody: %s", async (_name, outcome) => {
    for (const status of unfinished) {
      const { world, session, settle, see } = await sessionIn(status);
      expect(await settle(entry(outcome, { turn: 1 }))).toBeUndefined();
      expect(await see()).toEqual(session);
      expect((await world.deps.turns.read(sessionId)).results).toMatchObject([{ turn: 1, billed: true }]);
    }
  });

  it.each(everything)("never changes a turn that has ended: %s", async (_name, outcome) => {
    for (const status of terminalStatuses) {
      const { world, session, settle, see } = await sessionIn(status, { winner: otherManifest });
      expect(await settle(entry(outcome))).toBeUndefined();
      expect(await see()).toEqual(session);
      expect((await world.deps.turns.read(sessionId)).results).toHaveLength(1);
    }
  });

  it.each(everything)("that comes again changes nothing more: %s", async (_name, outcome) => {
    const { settle, see, session } = await sessionIn("submitted");
    await settle(entry(outcome));
    const first = await see();
    await settle(entry(outcome));
    await settle(entry(outcome), first ?? session);
    expect(await see()).toEqual(first);
  });

  it.each(everything)("judged by what was seen before the turn ended moves nobody: %s", async (_name, outcome) => {
    const { world, session, settle, see } = await sessionIn("submitted");
    await world.deps.sessions.move("timeOut", session, "timeout", { endedAt: 1 });
    const ended = await see();
    expect(await settle(entry(outcome))).toBeUndefined();
    expect(await see()).toEqual(ended);
  });

  it("whose turn it ended itself, and which nobody delivered, is due to be delivered; once it was, no more", async () => {
    const { world, settle, see } = await sessionIn("submitted");
    await settle(entry(answers["an answer"]!));
    const done = (await see())!;
    expect(await settle(entry(answers["an answer"]!), done)).toEqual(done);
    await world.deps.sessions.note("delivered", done, { delivered: true });
    expect(await settle(entry(answers["an answer"]!), (await see())!)).toBeUndefined();
  });

  it("of two that come at once wins alone, and both are booked", async () => {
    const { world, settle, see } = await sessionIn("submitted");
    const outcome = answers["an answer"]!;
    const ended = await Promise.all([
      settle(entry(outcome)),
      settle(entry(outcome, { source: "rt-1", tier: "standard" })),
    ]);
    expect(ended.filter((session) => session !== undefined)).toHaveLength(1);
    expect([manifestId, "rt-1"]).toContain((await see())?.winner);
    expect((await world.deps.turns.read(sessionId)).results).toHaveLength(2);
  });

  it("is written down before anything moves, so that no crash loses what was paid", async () => {
    const { world, session, see } = await sessionIn("submitted");
    const half = world.crashing({ at: (what) => what.startsWith("table.update META"), when: "before" });
    await half.process.run(() => settle(session, entry(answers["an answer"]!), half.deps));
    expect(await see()).toEqual(session);
    expect((await world.deps.turns.read(sessionId)).results).toHaveLength(1);
  });

  it("has its message cut where it is long, so that the small item stays small", async () => {
    const { settle, see } = await sessionIn("submitted");
    await settle(entry({ kind: "refused", error: { type: "t", message: "x".repeat(5_000) } }));
    expect((await see())?.error?.message).toHaveLength(300);
  });

  it("goes back to the batch, where a fallback failed for good", async () => {
    const { settle, see } = await sessionIn("running", { fellBack: true });
    await settle(entry(others["an error for good"]!, { source: "rt-1", tier: "standard" }));
    expect(await see()).toMatchObject({ status: "submitted", manifestId });
  });
});
