import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import * as v from "valibot";

/** Seconds are SQS's unit at its door; in here every time is milliseconds since the epoch. */
export type StoredMessage = v.InferOutput<typeof messageRow>;
export type NewMessage = { messageId: string; body: string; attributes: string; system: string; visibleAt: number };
export type Redrive = { deadLetterQueue: string; maxReceiveCount: number };
export type QueueCounts = { visible: number; inFlight: number; delayed: number };
export type StoreDeps = { now: () => number; newReceipt: () => string };
export type QueueStore = ReturnType<typeof openQueueStore>;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, attributes TEXT NOT NULL, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT NOT NULL, system TEXT NOT NULL, sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0, receives_here INTEGER NOT NULL DEFAULT 0,
    first_received_at INTEGER, receipt TEXT, came_from TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_at);
  CREATE INDEX IF NOT EXISTS messages_by_age ON messages (queue, sent_at);
`;

const queueRow = v.object({
  name: v.string(),
  attributes: v.string(),
  created_at: v.number(),
  modified_at: v.number(),
});
const messageRow = v.object({
  id: v.number(),
  message_id: v.string(),
  body: v.string(),
  attributes: v.string(),
  system: v.string(),
  sent_at: v.number(),
  visible_at: v.number(),
  /** Over all queues the message has been in, which is what SQS reports. */
  receives: v.number(),
  first_received_at: v.nullable(v.number()),
  receipt: v.nullable(v.string()),
  came_from: v.nullable(v.string()),
});
const countRow = v.object({ visible: v.number(), inFlight: v.number(), delayed: v.number() });
const nextRow = v.object({ at: v.nullable(v.number()) });

/** Queues and their messages in one SQLite file. A call that has returned is on disk: kill -9 and power loss lose nothing. */
export function openQueueStore(path: string, deps: StoreDeps) {
  const database = new DatabaseSync(path);
  database.exec(schema);
  const sql = prepare(database);

  return {
    putQueue(name: string, attributes: Record<string, string>): void {
      const text = JSON.stringify(attributes);
      sql.putQueue.run({ name, text, now: deps.now() });
    },
    queue(name: string) {
      const row = sql.queue.get(name);
      return row === undefined ? undefined : queueFrom(row);
    },
    queues() {
      return sql.queues.all().map(queueFrom);
    },
    deleteQueue(name: string): void {
      transact(database, () => {
        sql.purge.run(name);
        sql.deleteQueue.run(name);
      });
    },
    purge(name: string): void {
      sql.purge.run(name);
    },
    send(queue: string, messages: readonly NewMessage[]): void {
      const sentAt = deps.now();
      transact(database, () => {
        for (const message of messages) sql.send.run({ queue, sentAt, ...message });
      });
    },
    receive: (queue: string, ask: ReceiveAsk) => transact(database, () => receiveFrom(queue, ask, sql, deps)),
    message(queue: string, id: number): StoredMessage | undefined {
      const row = sql.message.get(queue, id);
      return row === undefined ? undefined : v.parse(messageRow, row);
    },
    /** A receipt of an earlier delivery removes nothing: SQS promises no more than that for one. */
    remove(queue: string, id: number, receipt: string): void {
      sql.remove.run(queue, id, receipt);
    },
    hideUntil(id: number, visibleAt: number): void {
      sql.hide.run(visibleAt, id);
    },
    counts(queue: string): QueueCounts {
      return v.parse(countRow, sql.counts.get({ queue, now: deps.now() }));
    },
    /**
     * Whoever had received a message has ended with the process: it comes again at once. That receipt is told, but does not
     * bring it nearer to the dead letters: a machine that is killed often says nothing about a message.
     */
    endReceipts(): void {
      sql.endReceipts.run({ now: deps.now() });
    },
    /** When the next hidden message shows itself, or undefined for an empty queue. */
    nextVisibleAt(queue: string): number | undefined {
      return v.parse(nextRow, sql.nextVisible.get(queue)).at ?? undefined;
    },
    close: (): void => database.close(),
  };
}

type ReceiveAsk = {
  max: number;
  visibilityMs: number;
  retentionMs: number;
  redrive: (Redrive & { source: string }) | undefined;
};

/** Drops what is too old, moves what has been received too often, and hides what it returns for `visibilityMs`. */
function receiveFrom(queue: string, ask: ReceiveAsk, sql: ReturnType<typeof prepare>, deps: StoreDeps) {
  const now = deps.now();
  sql.expire.run(queue, now - ask.retentionMs);
  const moved = ask.redrive === undefined ? 0 : sql.redrive.run({ queue, now, ...ask.redrive }).changes;
  const rows = sql.visible.all(queue, now, ask.max).map((row) => v.parse(messageRow, row));
  const visibleAt = now + ask.visibilityMs;
  const received = rows.map((row) => {
    const receipt = deps.newReceipt();
    sql.take.run({ id: row.id, now, visibleAt, receipt });
    return { ...row, receipt, receives: row.receives + 1, first_received_at: row.first_received_at ?? now };
  });
  return { received, moved: Number(moved) > 0 };
}

function prepare(database: DatabaseSync) {
  return {
    putQueue: database.prepare(`INSERT INTO queues VALUES ($name, $text, $now, $now)
      ON CONFLICT (name) DO UPDATE SET attributes = $text, modified_at = $now`),
    queue: database.prepare("SELECT * FROM queues WHERE name = ?"),
    queues: database.prepare("SELECT * FROM queues ORDER BY name"),
    deleteQueue: database.prepare("DELETE FROM queues WHERE name = ?"),
    purge: database.prepare("DELETE FROM messages WHERE queue = ?"),
    send: database.prepare(`INSERT INTO messages (queue, message_id, body, attributes, system, sent_at, visible_at)
      VALUES ($queue, $messageId, $body, $attributes, $system, $sentAt, $visibleAt)`),
    expire: database.prepare("DELETE FROM messages WHERE queue = ? AND sent_at <= ?"),
    redrive: database.prepare(`UPDATE messages
      SET queue = $deadLetterQueue, came_from = $source, receives_here = 0, receipt = NULL, visible_at = $now
      WHERE queue = $queue AND visible_at <= $now AND receives_here >= $maxReceiveCount`),
    visible: database.prepare(
      "SELECT * FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?",
    ),
    take: database.prepare(`UPDATE messages SET receives = receives + 1, receives_here = receives_here + 1,
      first_received_at = coalesce(first_received_at, $now), visible_at = $visibleAt, receipt = $receipt WHERE id = $id`),
    message: database.prepare("SELECT * FROM messages WHERE queue = ? AND id = ?"),
    remove: database.prepare("DELETE FROM messages WHERE queue = ? AND id = ? AND receipt = ?"),
    hide: database.prepare("UPDATE messages SET visible_at = ? WHERE id = ?"),
    endReceipts: database.prepare(`UPDATE messages SET receipt = NULL, visible_at = $now,
      receives_here = receives_here - 1
      WHERE receipt IS NOT NULL AND visible_at > $now`),
    counts: database.prepare(`SELECT coalesce(sum(visible_at <= $now), 0) AS visible,
      coalesce(sum(visible_at > $now AND receipt IS NOT NULL), 0) AS inFlight,
      coalesce(sum(visible_at > $now AND receipt IS NULL), 0) AS delayed FROM messages WHERE queue = $queue`),
    nextVisible: database.prepare("SELECT min(visible_at) AS at FROM messages WHERE queue = ?"),
  };
}

function queueFrom(row: Record<string, SQLOutputValue>) {
  const { name, attributes, created_at, modified_at } = v.parse(queueRow, row);
  const parsed = v.parse(v.record(v.string(), v.string()), JSON.parse(attributes));
  return { name, attributes: parsed, createdAt: created_at, modifiedAt: modified_at };
}

function transact<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
