import * as v from "valibot";
import type { Clause, Item } from "../clients/table.ts";
import { iso } from "../domain/clock.ts";
import { isId } from "../domain/ids.ts";
import { time } from "../domain/parse.ts";
import {
  duePartition,
  dueShardOf,
  isTerminal,
  listShardOf,
  type NextLook,
  type Note,
  type Session,
  statuses,
} from "../domain/session.ts";
import { itemVersion, readItem } from "./versions.ts";

/** How a session lies in the table. One partition a session: `META` moves, everything beside it is insert-only. */
export const sessionPartition = (sessionId: string) => `SESSION#${sessionId}`;
export const metaKey = (sessionId: string) => ({ pk: sessionPartition(sessionId), sk: "META" });

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const schema = v.object({
  sessionId: v.pipe(v.string(), v.check(isId, "must be an id")),
  sessionKey: v.string(),
  agentId: v.string(),
  client: v.string(),
  label: v.exactOptional(v.string()),
  model: v.string(),
  mode: v.picklist(["batch", "realtime"]),
  lane: v.string(),
  why: v.string(),
  ownWhy: v.exactOptional(v.string()),
  zeroDataRetention: v.boolean(),
  onDeadline: v.picklist(["wait", "fallback", "fail"]),
  status: v.picklist(statuses),
  turn: count,
  attempt: count,
  sendNo: count,
  visits: v.exactOptional(v.number()),
  createdAt: time,
  askedAt: v.exactOptional(time),
  submittedAt: v.exactOptional(time),
  endedAt: v.exactOptional(time),
  deadlineAt: v.exactOptional(time),
  notBefore: time,
  manifestId: v.exactOptional(v.string()),
  fellBack: v.exactOptional(v.boolean()),
  run: v.exactOptional(v.string()),
  runEndsAt: v.exactOptional(time),
  winner: v.exactOptional(v.string()),
  stopReason: v.exactOptional(v.string()),
  truncated: v.exactOptional(v.boolean()),
  error: v.exactOptional(v.object({ type: v.string(), message: v.string() })),
  page: v.exactOptional(v.number()),
  delivered: v.exactOptional(v.boolean()),
  budget: v.exactOptional(v.object({ day: v.string(), of: v.array(v.string()) })),
  reserved: v.exactOptional(v.number()),
  timeline: v.exactOptional(v.array(v.string())),
  expiresAt: v.exactOptional(v.number()),
});

/** @throws CorruptRecordError naming the field */
export function parseSession(item: unknown, what: string): Session {
  return readItem(schema, item, what);
}

/** The due index is sparse: an item without `due` is not in it. */
export function dueAttributes(sessionId: string, look: NextLook): { due: string; dueAt: number } {
  return { due: duePartition(look.purpose, dueShardOf(sessionId)), dueAt: look.at };
}

/** Lists are by agent and, where there is one, by label; nothing of them ever changes. */
export function sessionItem(session: Session, look: NextLook | undefined): Item {
  const shard = listShardOf(session.sessionId);
  return {
    ...session,
    ...metaKey(session.sessionId),
    v: itemVersion,
    byAgent: listPartition(session.agentId, shard),
    ...(session.label === undefined ? {} : { byLabel: listPartition(session.label, shard) }),
    listAt: listPosition(session),
    ...(look === undefined ? {} : dueAttributes(session.sessionId, look)),
  };
}

export function listPartition(name: string, shard: number): string {
  return `${name}#${shard}`;
}

/** Sorts by creation, and apart within one millisecond. */
export function listPosition({ createdAt, sessionId }: { createdAt: number; sessionId: string }): string {
  return `${iso(createdAt)}#${sessionId}`;
}

/** Starts from an ended turn: one that was seen so stays so, and its number says it all. */
export function isEnding({ from }: Note): boolean {
  return from.every(isTerminal);
}

/** The condition of a move, clause by clause, from its row in the table of moves. */
export function clausesFor(row: Note, seen: Session, now: number): Clause[] {
  return [
    ...(isEnding(row) ? [] : [{ attribute: "status", is: "oneOf", values: row.from } as const]),
    ...row.same.map((attribute): Clause => {
      const value = seen[attribute];
      return value === undefined ? { attribute, is: "absent" } : { attribute, is: "equal", value };
    }),
    ...(row.absent ?? []).map((attribute): Clause => ({ attribute, is: "absent" })),
    ...(row.passed ?? []).map((attribute): Clause => ({ attribute, is: "atMost", value: now })),
  ];
}
