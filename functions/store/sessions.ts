import type { Clause, Found, Item, Table, Write } from "../clients/table.ts";
import { isSpentUnseen } from "../domain/budget.ts";
import type { Clock } from "../domain/clock.ts";
import { dueShards, maxDueExamined } from "../domain/limits.ts";
import { isExpired } from "../domain/retention.ts";
import {
  type DuePurpose,
  deadlineActionAt,
  duePartition,
  isTerminal,
  type MoveName,
  moves,
  type NextLook,
  type NoteName,
  nextLook,
  notes,
  type Session,
  type Status,
} from "../domain/session.ts";
import { isTold, withMove } from "../domain/timeline.ts";
import { insertFresh, whenExpired } from "./expiry.ts";
import { type Claim, claimWrite, releaseWrites } from "./purses.ts";
import { clausesFor, dueAttributes, isEnding, metaKey, parseSession, sessionItem } from "./session-items.ts";
import { type Listed, type ListQuery, listSessions } from "./session-list.ts";

/** What a move writes beside the status: `undefined` removes an attribute. */
export type SessionChanges = { [K in keyof Session]?: Session[K] | undefined };
/** The same with what the timeline says of the move, where the move does not say it by itself. */
export type MoveChanges = SessionChanges & { because?: string; claims?: readonly Claim[] };

export type Moved = { moved: true; session: Session } | { moved: false; current?: Session };

export interface Sessions {
  /**
   * Refused when the session exists; the answer then says what it is.
   * @param claims on budgets, in one transaction with it: refused as well when one of them has no room any more
   */
  insert(session: Session, claims?: readonly Claim[]): Promise<Moved>;
  /** One that has expired is no more, whether or not it was removed yet. */
  get(sessionId: string): Promise<Session | undefined>;
  /** In no order; an item that cannot be read is reported by id instead of failing the others. */
  getMany(sessionIds: readonly string[]): Promise<{ sessions: Session[]; corrupt: string[] }>;
  /** One conditional write, built from the row of the move. A move that was made already, by a call whose answer was lost, counts as made. */
  move(name: MoveName, seen: Session, to: Status, changes?: MoveChanges): Promise<Moved>;
  /** @param look who looks next, where that does not follow from the session itself */
  note(name: NoteName, seen: Session, changes: SessionChanges, look?: NextLook): Promise<Moved>;
  /** Ids that are due, at most `limit` of each lane, the oldest first within a shard; the index may be stale. */
  due(purpose: DuePurpose, upTo: number, limit: number): Promise<string[]>;
  /** Of an item that cannot be read: only when it is looked at next, in the partition it is in. */
  postpone(sessionId: string, at: number): Promise<void>;
  /** The newest of some agents or of a label; the index may be stale. */
  list(query: ListQuery): Promise<Listed[]>;
}

/** Moves right before their message is sent. */
const sending: readonly MoveName[] = ["resend", "goRealtime", "followUp"];

export interface SessionStoreOptions {
  table: Table;
  clock: Clock;
  /** How often the poller comes by; a queued session is rescued two ticks after its message should have been taken. */
  tickSeconds: number;
  /** How long before its deadline a fallback is due, as far as is known now. */
  leadMs: () => Promise<number>;
}

/** What one query of the due index asks for. */
const duePageSize = 1_000;
const maxRescueSeconds = 3600;
/** Where ticks are short, a batcher at work still gets this long before its messages are sent again. */
const minRescueSeconds = 5;

export function sessionStore({ table, clock, tickSeconds, leadMs }: SessionStoreOptions): Sessions {
  const lookAt = async (session: Session, rescue: number) =>
    nextLook(session, rescue, session.onDeadline === "fallback" ? await leadMs() : 0);
  const lookFor = (session: Session) => lookAt(session, rescueAt(session, clock.now(), tickSeconds));
  // Only a message that was just sent is given time; what has none is sent as soon as it may be.
  const lookAfter = (name: MoveName, next: Session) =>
    next.status === "queued" && !sending.includes(name)
      ? lookAt(next, Math.max(next.notBefore, clock.now()))
      : lookFor(next);

  return {
    async insert(session, claims = []) {
      const item = sessionItem(session, await lookFor(session));
      if (claims.length === 0) return toMoved(await insertFresh(table, item, clock.now()));
      const put = (when: readonly Clause[]) =>
        transact(table, session, [{ put: { item, when } }, ...claims.map(claimWrite)]);
      const made = await put([{ attribute: "pk", is: "absent" }]);
      const isFree = made.moved || made.current === undefined || !isExpired(made.current, clock.now());
      return isFree ? made : put(whenExpired(clock.now()));
    },
    async get(sessionId) {
      const item = await table.get(metaKey(sessionId));
      return item === undefined || isExpired(item, clock.now()) ? undefined : parseSession(item, item.pk);
    },
    getMany: (sessionIds) => getMany(table, sessionIds, clock),
    async move(name, seen, to, { because, claims = [], ...changes } = {}) {
      const row: (typeof moves)[MoveName] = moves[name];
      if (!row.to.some((status) => status === to)) throw new Error(`${name} does not lead to ${to}`);
      if (isEnding(row) && !isTerminal(seen.status)) return { moved: false, current: seen };
      // Of one turn there is one move that ends it, so what is reserved for it is released once.
      const isReleased = isTerminal(to) && seen.reserved !== undefined;
      const wanted = { ...changes, status: to, ...(isReleased ? { reserved: undefined } : {}) };
      const next = merged(seen, wanted);
      const isBack = name === "leaveRun" && to === "submitted";
      const due = isBack ? unsureLook(next, clock.now(), tickSeconds) : await lookAfter(name, next);
      // Whoever reads that page looks at it, and is not named in the index.
      const look = changes.page === undefined ? due : undefined;
      // The condition does not look at it: where `seen` is stale an entry is lost, and never a move.
      const told = isTold(seen, next) ? { timeline: withMove(name, next, { at: clock.now(), because }) } : {};
      const beside = [
        ...(isReleased ? releaseWrites(seen, isSpentUnseen(next.error)) : []),
        ...claims.map((claim) => claimWrite(claim)),
      ];
      const when = clausesFor(row, seen, clock.now());
      const moved = await write(table, seen, { changes: { ...wanted, ...told }, look, when, beside });
      const isMade = !moved.moved && moved.current !== undefined && isAsWanted(moved.current, wanted, seen);
      return isMade && moved.current !== undefined ? { moved: true, session: moved.current } : moved;
    },
    async note(name, seen, changes, look) {
      const next = look ?? (await lookFor(merged(seen, changes)));
      return write(table, seen, { changes, look: next, when: clausesFor(notes[name], seen, clock.now()), beside: [] });
    },
    due: (purpose, upTo, limit) => due(table, purpose, upTo, limit),
    async postpone(sessionId, at) {
      const when: Clause[] = [{ attribute: "dueAt", is: "atMost", value: at }];
      await table.update({ key: metaKey(sessionId), set: { dueAt: at }, when });
    },
    list: (query) => listSessions(table, query),
  };
}

/**
 * Its manifest may have been settled while it was away: somebody has to ask; or its deadline still has to be acted upon.
 */
export function unsureLook(session: Session, now: number, tickSeconds: number): NextLook {
  const hasDeadline = deadlineActionAt(session, 0) !== undefined;
  return { purpose: hasDeadline ? "deadline" : "rescue", at: now + 2 * tickSeconds * 1000 };
}

/** What waits is sent when it may go; what was sent is sent again after two ticks, then ever more rarely. */
function rescueAt(session: Session, now: number, tickSeconds: number): number {
  if (session.status === "queued" && session.notBefore > now) return session.notBefore;
  const resends = session.status === "queued" ? session.sendNo - 1 : 0;
  const twoTicks = Math.max(minRescueSeconds, 2 * tickSeconds);
  const patience = Math.min(maxRescueSeconds, twoTicks * 4 ** Math.min(resends, 10));
  return now + Math.max(patience, twoTicks) * 1000;
}

function merged(session: Session, changes: SessionChanges): Session {
  const kept = Object.entries({ ...session, ...changes }).filter(([, value]) => value !== undefined);
  return parseSession(Object.fromEntries(kept), session.sessionId);
}

interface MetaWrite {
  changes: SessionChanges;
  look: NextLook | undefined;
  when: readonly Clause[];
  /** Of budgets, in one transaction with it. */
  beside: readonly Write[];
}

async function write(table: Table, seen: Session, { changes, look, when, beside }: MetaWrite): Promise<Moved> {
  const gone = Object.entries(changes).filter(([, value]) => value === undefined);
  const remove = [...gone.map(([attribute]) => attribute), ...(look === undefined ? ["due"] : [])];
  const set = { ...changes, ...(look === undefined ? {} : dueAttributes(seen.sessionId, look)) };
  const update = { key: metaKey(seen.sessionId), set, remove, when };
  if (beside.length === 0) return toMoved(await table.update(update));
  return transact(table, merged(seen, changes), [{ update }, ...beside]);
}

/** A transaction does not say what is there now, and by then it may have moved on. */
async function transact(table: Table, wanted: Session, writes: readonly Write[]): Promise<Moved> {
  const isDone = await table.transact(writes);
  const item = await table.get(metaKey(wanted.sessionId));
  const current = item === undefined ? undefined : parseSession(item, item.pk);
  if (!isDone) return current === undefined ? { moved: false } : { moved: false, current };
  const isAsMade = current?.turn === wanted.turn && current.status === wanted.status;
  return { moved: true, session: isAsMade ? current : wanted };
}

/** An answer that was lost makes the SDK ask again, and the repeat is refused by what the first one wrote. */
function isAsWanted(current: Session, wanted: SessionChanges, seen: Session): boolean {
  const changed = Object.entries(wanted);
  const isSame = changed.every(
    ([attribute, value]) => JSON.stringify(Reflect.get(current, attribute)) === JSON.stringify(value),
  );
  const isNew = changed.some(
    ([attribute, value]) => JSON.stringify(Reflect.get(seen, attribute)) !== JSON.stringify(value),
  );
  return isSame && isNew;
}

function toMoved(found: Found): Moved {
  if (found.moved) return { moved: true, session: parseSession(found.item, found.item.pk) };
  return found.current === undefined
    ? { moved: false }
    : { moved: false, current: parseSession(found.current, found.current.pk) };
}

async function getMany(table: Table, sessionIds: readonly string[], clock: Clock) {
  const items = await table.getMany([...new Set(sessionIds)].map(metaKey));
  const sessions: Session[] = [];
  const corrupt: string[] = [];
  for (const item of items.filter((one) => !isExpired(one, clock.now()))) {
    try {
      sessions.push(parseSession(item, item.pk));
    } catch {
      corrupt.push(item.pk.replace("SESSION#", ""));
    }
  }
  return { sessions, corrupt };
}

async function due(table: Table, purpose: DuePurpose, upTo: number, limit: number): Promise<string[]> {
  const perLane = Math.ceil(limit / dueShards);
  const found = await Promise.all(
    Array.from({ length: dueShards }, (_, shard) => dueIn(table, duePartition(purpose, shard), upTo, perLane)),
  );
  return found.flat();
}

/** So many of each lane, wherever they stand: those of one lane may be a hundred thousand, and all older than another's. */
async function dueIn(table: Table, value: string, upTo: number, perLane: number): Promise<string[]> {
  const taken = new Map<unknown, string[]>();
  let after: Item | undefined;
  for (let examined = 0; examined < maxDueExamined; examined += duePageSize) {
    const { items, next } = await table.queryIndex({
      index: "due",
      partition: { attribute: "due", value },
      sort: "dueAt",
      upTo,
      limit: duePageSize,
      ...(after === undefined ? {} : { after }),
    });
    for (const { pk, lane } of items) {
      const ofLane = taken.get(lane) ?? [];
      if (ofLane.length < perLane) taken.set(lane, [...ofLane, pk.replace("SESSION#", "")]);
    }
    after = next;
    if (after === undefined) break;
  }
  return [...taken.values()].flat();
}
