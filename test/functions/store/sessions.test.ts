import { describe, expect, it } from "vitest";
import {
  isTerminal,
  type Move,
  type MoveName,
  moves,
  type Note,
  type NoteName,
  notes,
  type Session,
  statuses,
  terminalStatuses,
} from "../../../functions/domain/session.ts";
import { metaKey, sessionItem } from "../../../functions/store/session-items.ts";
import { type SessionChanges, sessionStore } from "../../../functions/store/sessions.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { night, virtualClock } from "../../support/virtual-clock.ts";
import { aSession, manifestId, sessionId } from "../domain/support.ts";

const tickSeconds = 60;
const leadMs = async () => 120_000;
const minutes = (count: number) => night + count * 60_000;

function storeWith(...sessions: Session[]) {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  const store = sessionStore({ table, clock, tickSeconds, leadMs });
  const keep = async (session: Session) => {
    await table.put({ item: sessionItem(session, undefined), when: [] });
    return session;
  };
  return { clock, table, store, keep, ready: Promise.all(sessions.map(keep)) };
}

/** A session with everything a condition of any move may look at. */
function full(differently: Partial<Session> = {}): Session {
  return aSession({
    createdAt: night,
    manifestId,
    run: "rt-1",
    runEndsAt: minutes(11),
    sendNo: 2,
    attempt: 2,
    turn: 3,
    ...differently,
  });
}

/** Something that a move of its kind would write. */
const changes: SessionChanges = { label: "moved" };
const other = {
  turn: 4,
  attempt: 3,
  sendNo: 3,
  lane: "bulk",
  mode: "realtime",
  manifestId: "01KAJ900000000000000000009",
  run: "rt-2",
  notBefore: 5,
} as const;

const rows: [MoveName, Move][] = Object.entries(moves).map(([name, row]) => [name as MoveName, row]);

describe.each(rows)("the move %s", (name, row) => {
  const ready = (status: Session["status"], differently: Partial<Session> = {}) => full({ status, ...differently });
  /** An ended turn stays ended: who saw it so needs no condition on the status, and who did not is refused at once. */
  const isOfEnded = row.from.every(isTerminal);

  it("is made from where it may start, and changes what it says", async () => {
    for (const from of row.from) {
      for (const to of row.to) {
        const { store, keep } = storeWith();
        const session = await keep(ready(from));
        expect(await store.move(name, session, to, changes)).toMatchObject({
          moved: true,
          session: { status: to, label: "moved" },
        });
      }
    }
  });

  it("is refused from anywhere else, with what is there, and changes nothing", async () => {
    for (const from of statuses.filter((status) => !row.from.includes(status))) {
      const { store, table, keep } = storeWith();
      const session = await keep(ready(from));
      const before = table.items();
      const seen = isOfEnded ? session : { ...session, status: row.from[0]! };
      const moved = await store.move(name, seen, row.to[0]!, changes);
      expect(moved, from).toEqual({ moved: false, current: session });
      expect(table.items()).toEqual(before);
    }
  });

  it.each(row.same)("is refused where %s is no longer what the mover saw", async (attribute) => {
    const { store, keep } = storeWith();
    const seen = ready(row.from[0]!);
    const current = await keep({ ...seen, [attribute]: other[attribute] });
    expect(await store.move(name, seen, row.to[0]!, changes)).toEqual({ moved: false, current });
    const { [attribute]: _gone, ...without } = seen;
    if (attribute === "manifestId" || attribute === "run") {
      await keep(without as Session);
      expect(await store.move(name, seen, row.to[0]!, changes)).toMatchObject({ moved: false });
    }
  });

  it.each(row.passed ?? [])("waits until %s has passed", async () => {
    const { clock, store, keep } = storeWith();
    const session = await keep(full({ status: row.from[0]!, notBefore: night + 1 }));
    expect(await store.move(name, session, row.to[0]!, changes)).toMatchObject({ moved: false });
    clock.pass(0.001);
    expect(await store.move(name, session, row.to[0]!, changes)).toMatchObject({ moved: true });
  });

  it("is refused where there is no session", async () => {
    const { store } = storeWith();
    expect(await store.move(name, full({ status: row.from[0]! }), row.to[0]!, changes)).toEqual({ moved: false });
  });

  it("leads nowhere but where its row says", async () => {
    const { store, keep } = storeWith();
    const session = await keep(ready(row.from[0]!));
    for (const to of statuses.filter((status) => !row.to.includes(status)))
      await expect(store.move(name, session, to, changes)).rejects.toThrow(`${name} does not lead to ${to}`);
  });

  if (name !== "followUp")
    it("changes no turn that has ended", async () => {
      for (const status of terminalStatuses) {
        const { store, keep } = storeWith();
        const session = await keep(full({ status }));
        expect(await store.move(name, session, row.to[0]!, changes)).toMatchObject({ moved: false });
      }
    });

  it("whose answer was lost counts as made when it is asked again", async () => {
    const { store, keep } = storeWith();
    const seen = await keep(ready(row.from[0]!));
    const first = await store.move(name, seen, row.to[0]!, { ...changes, sendNo: 7 });
    expect(await store.move(name, seen, row.to[0]!, { ...changes, sendNo: 7 })).toEqual(first);
  });

  it("made by somebody else, otherwise, does not count as made", async () => {
    const { store, keep } = storeWith();
    const seen = await keep(ready(row.from[0]!));
    await keep({ ...seen, ...other, status: row.to[0]!, label: "by another" });
    expect(await store.move(name, seen, row.to[0]!, changes)).toMatchObject({ moved: false });
  });
});

const noteRows: [NoteName, Note][] = Object.entries(notes).map(([name, row]) => [name as NoteName, row]);

describe.each(noteRows)("the note %s", (name, row) => {
  it("leaves the status as it is, and is refused in every other, but for what was seen ended", async () => {
    for (const status of statuses) {
      const { store, keep } = storeWith();
      const session = await keep(full({ status }));
      const noted = await store.note(name, session, changes);
      expect(noted.moved, status).toBe(row.from.every(isTerminal) || row.from.includes(status));
      expect(await store.get(sessionId)).toMatchObject({ status });
    }
  });

  if (row.same.length > 0)
    it("is of one turn", async () => {
      const { store, keep } = storeWith();
      const session = await keep(full({ status: row.from[0]! }));
      expect(await store.note(name, { ...session, turn: 2 }, changes)).toMatchObject({ moved: false });
    });
});

describe("a session", () => {
  it("is inserted once; a repeat is told what is there", async () => {
    const { store } = storeWith();
    const session = aSession({ label: "nightly" });
    expect(await store.insert(session)).toEqual({ moved: true, session });
    expect(await store.insert({ ...session, label: "other" })).toEqual({ moved: false, current: session });
    expect(await store.get(sessionId)).toEqual(session);
  });

  it("is under a kilobyte, so that moving it is cheap", async () => {
    const { store, table } = storeWith();
    await store.insert(
      full({
        label: "🌙".repeat(32),
        deadlineAt: night,
        submittedAt: night,
        why: "realtime, because its deadline is near",
      }),
    );
    expect(Buffer.byteLength(JSON.stringify(table.items()[0]))).toBeLessThan(1_024);
  });

  it("loses what a move sets to undefined, and keeps the rest", async () => {
    const { store, keep } = storeWith();
    const session = await keep(full({ status: "submitted", submittedAt: night }));
    const moved = await store.move("leaveBatch", session, "queued", {
      manifestId: undefined,
      submittedAt: undefined,
    });
    const { manifestId: _gone, submittedAt: _too, ...rest } = session;
    const left = { ...rest, status: "queued", timeline: [expect.any(String)] };
    expect(moved).toEqual({ moved: true, session: left });
    expect(await store.get(sessionId)).toEqual(left);
  });

  it("that cannot be read is named, and harms no other", async () => {
    const { store, table } = storeWith();
    await store.insert(aSession());
    const broken = "01KAJ8Z3M4N5P6Q7R8S9T0V1W3";
    await table.insert({ ...metaKey(broken), status: "dreaming" });
    expect(await store.getMany([sessionId, broken, sessionId])).toEqual({ sessions: [aSession()], corrupt: [broken] });
    await expect(store.get(broken)).rejects.toThrow(/SESSION#.*: /);
  });
});

describe("the number of a session's messages", () => {
  it.each(["resend", "goRealtime"] as const)("is not lowered by a %s that arrives late", async (name) => {
    const { store, ready } = storeWith(aSession({ sendNo: 1 }));
    const [seen] = await ready;
    for (const sendNo of [2, 3]) {
      const { sessionId: id } = seen!;
      const now = await store.get(id);
      expect(await store.move("resend", now!, "queued", { sendNo })).toMatchObject({ moved: true });
    }
    expect(await store.move(name, seen!, "queued", { sendNo: 2 })).toMatchObject({
      moved: false,
      current: { sendNo: 3 },
    });
  });
});

describe("who looks at a session next", () => {
  const due = async (session: Session, act: (store: ReturnType<typeof storeWith>) => Promise<unknown>) => {
    const all = storeWith();
    await all.keep(session);
    await act(all);
    const item = await all.table.get(metaKey(sessionId));
    const { due: partition, dueAt } = { ...item };
    return typeof partition === "string" ? [partition.split("#")[0], Number(dueAt)] : undefined;
  };
  const move =
    (name: MoveName, to: Session["status"], more: SessionChanges = {}) =>
    ({ store }: ReturnType<typeof storeWith>) =>
      store.get(sessionId).then((session) => store.move(name, session!, to, more));

  it("is rescue two ticks after a message was sent", async () => {
    expect(
      await due(aSession(), ({ store, table }) =>
        table.transact([{ remove: { key: metaKey(sessionId), when: [] } }]).then(() => store.insert(aSession())),
      ),
    ).toEqual(["rescue", minutes(2)]);
  });

  it("is rescue at the time before which it is not to be sent", async () => {
    const later = aSession({ notBefore: minutes(90) });
    expect(await due(later, move("resend", "queued", { notBefore: minutes(90) }))).toEqual(["rescue", minutes(90)]);
  });

  it("is rescue ever more rarely, where message after message is not taken, but at least once an hour", async () => {
    const waits = [];
    for (const sendNo of [2, 3, 4, 5, 9, 99]) {
      const found = await due(aSession({ sendNo: sendNo - 1 }), move("resend", "queued", { sendNo }));
      waits.push((Number(found?.[1]) - night) / 60_000);
    }
    expect(waits).toEqual([8, 32, 60, 60, 60, 60]);
  });

  it("is rescue at once, after a requeue: no message was sent yet", async () => {
    const submitted = full({ status: "submitted", notBefore: 0 });
    expect(await due(submitted, move("leaveBatch", "queued", { manifestId: undefined }))).toEqual(["rescue", night]);
    const waiting = { manifestId: undefined, notBefore: minutes(5) };
    expect(await due(submitted, move("leaveBatch", "queued", waiting))).toEqual(["rescue", minutes(5)]);
  });

  it("is its manifest, while it is in one", async () => {
    expect(await due(aSession(), move("claim", "submitted", { manifestId }))).toBeUndefined();
  });

  it("is rescue once a real-time attempt is over, whatever happened to it", async () => {
    const run = { run: "rt-1", runEndsAt: minutes(11) };
    expect(await due(aSession({ mode: "realtime" }), move("start", "running", run))).toEqual(["rescue", minutes(11)]);
  });

  it("is rescue soon after a fallback came back: its manifest may have been settled meanwhile", async () => {
    const running = full({ status: "running", fellBack: true });
    expect(await due(running, move("leaveRun", "submitted", { run: undefined }))).toEqual(["rescue", minutes(2)]);
  });

  it.each([
    ["finish", "done"],
    ["finish", "failed"],
    ["timeOut", "timeout"],
    ["failQueued", "failed"],
  ] as const)("is whoever delivers, once the turn has ended: %s to %s", async (name, to) => {
    const [purpose] = (await due(aSession(), move(name, to, { endedAt: night }))) ?? [];
    expect(purpose).toBe("deliver");
  });

  it("is nobody, once it is delivered", async () => {
    const note = ({ store }: ReturnType<typeof storeWith>) =>
      store.note("delivered", aSession({ status: "done" }), { delivered: true });
    expect(await due(aSession({ status: "done" }), note)).toBeUndefined();
  });

  it("is whoever delivers, later, while the bus does not take it; never again once it did", async () => {
    const ended = aSession({ status: "done" });
    const note = ({ store }: ReturnType<typeof storeWith>) => store.note("undelivered", ended, {});
    expect(await due(ended, note)).toEqual(["deliver", minutes(2)]);
    expect(await due({ ...ended, delivered: true }, note)).toBeUndefined();
  });

  describe("with a deadline", () => {
    const deadlineAt = minutes(30);
    const waiting = (more: Partial<Session>) => aSession({ deadlineAt, ...more });
    const claim = move("claim", "submitted", { manifestId });

    it("is nobody more, where the policy is to wait", async () => {
      expect(await due(waiting({ onDeadline: "wait" }), claim)).toBeUndefined();
    });

    it("is the deadline, where the policy is to fail", async () => {
      expect(await due(waiting({ onDeadline: "fail" }), claim)).toEqual(["deadline", deadlineAt]);
    });

    it("is in time for a real-time answer, where the policy is to fall back; once", async () => {
      expect(await due(waiting({ onDeadline: "fallback" }), claim)).toEqual(["deadline", minutes(28)]);
      expect(await due(waiting({ onDeadline: "fallback", fellBack: true }), claim)).toBeUndefined();
    });

    it("is whichever is first, while it is queued", async () => {
      const resend = (sendNo: number) => move("resend", "queued", { sendNo });
      expect(await due(waiting({ onDeadline: "fail" }), resend(2))).toEqual(["rescue", minutes(8)]);
      expect(await due(waiting({ onDeadline: "fail", sendNo: 3 }), resend(4))).toEqual(["deadline", deadlineAt]);
    });
  });

  it("never lets an unfinished session be forgotten: after every move somebody looks, or its manifest does", async () => {
    for (const [name, row] of rows) {
      for (const to of row.to) {
        const session = full({ status: row.from[0]! });
        const found = await due(
          session,
          move(name, to, to === "queued" ? { manifestId: undefined, run: undefined, delivered: undefined } : {}),
        );
        const isManifests = to === "submitted";
        expect(found !== undefined || isManifests, `${name} to ${to}`).toBe(true);
        if (isTerminal(to)) expect(found?.[0], `${name} to ${to}`).toBe("deliver");
      }
    }
  });
});

describe("what is due", () => {
  const shard = (character: string) => `${sessionId.slice(0, -1)}${character}`;

  it("is told by purpose, up to a time, the oldest first of each shard", async () => {
    const { clock, store } = storeWith();
    for (const last of ["0", "8", "G"]) {
      await store.insert(aSession({ sessionId: shard(last) }));
      clock.pass(60);
    }
    await store.insert(aSession({ sessionId: shard("1"), deadlineAt: minutes(3.5), onDeadline: "fail" }));
    expect(await store.due("rescue", minutes(1.9), 80)).toEqual([]);
    expect(await store.due("rescue", minutes(3), 80)).toEqual([shard("0"), shard("8")]);
    expect(await store.due("rescue", minutes(9), 8)).toEqual([shard("0")]);
    expect(await store.due("deadline", minutes(9), 80)).toEqual([shard("1")]);
  });

  it("may be stale: what it names is read again before anything is decided", async () => {
    const clock = virtualClock();
    const table = memoryTable({ clock, indexLagMs: () => 1_000 });
    const store = sessionStore({ table, clock, tickSeconds, leadMs });
    await store.insert(aSession());
    clock.pass(2);
    await store.move("claim", aSession(), "submitted", { manifestId });
    expect(await store.due("rescue", minutes(9), 80)).toEqual([sessionId]);
    clock.pass(2);
    expect(await store.due("rescue", minutes(9), 80)).toEqual([]);
  });
});

describe("the timeline that a move writes", () => {
  it("has one entry a move, and none for a message sent again", async () => {
    const { store, keep } = storeWith();
    const session = await keep(aSession({ createdAt: night }));
    const resent = await store.move("resend", session, "queued", { sendNo: 2 });
    expect(resent).toMatchObject({ moved: true });
    expect(resent).not.toHaveProperty("session.timeline");
    const claimed = await store.move("claim", { ...session, sendNo: 2 }, "submitted", { manifestId });
    expect(claimed).toHaveProperty("session.timeline", [`${night}|submitted|1.1|in manifest ${manifestId}`]);
  });

  it("does not stand in the way of a move by whoever saw an older one", async () => {
    const { store, keep } = storeWith();
    const stale = await keep(aSession({ createdAt: night }));
    await store.move("claim", stale, "submitted", { manifestId });
    const ended = await store.move("finish", stale, "done", { winner: manifestId, stopReason: "end_turn" });
    expect(ended).toMatchObject({ moved: true, session: { status: "done" } });
  });

  it("is written once by a move whose answer was lost, which still counts as made", async () => {
    const { table, clock, keep } = storeWith();
    const session = await keep(aSession({ createdAt: night }));
    const twice: typeof table.update = async (change) => {
      await table.update(change);
      return table.update(change);
    };
    const store = sessionStore({ table: { ...table, update: twice }, clock, tickSeconds, leadMs });
    const claimed = await store.move("claim", session, "submitted", { manifestId });
    expect(claimed).toMatchObject({ moved: true, session: { timeline: [expect.stringMatching(manifestId)] } });
  });

  it("keeps no word of what the mover said beside it", async () => {
    const { store, table, keep } = storeWith();
    const session = await keep(aSession({ status: "submitted", manifestId }));
    await store.move("leaveBatch", session, "queued", { manifestId: undefined, because: "overloaded_error" });
    expect(await table.get(metaKey(session.sessionId))).not.toHaveProperty("because");
  });
});
