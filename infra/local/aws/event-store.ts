import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";

/** The shape in which EventBridge hands an event to a target. */
export type BusEvent = v.InferOutput<typeof busEvent>;
export type EventStore = ReturnType<typeof openEventStore>;
export type DueEvent = { seq: number; attempts: number; event: BusEvent };

/** Enough to look back over a night's work, small enough to stay out of the way. */
const maxKeptEvents = 10_000;

const busEvent = v.object({
  version: v.literal("0"),
  id: v.string(),
  "detail-type": v.string(),
  source: v.string(),
  account: v.string(),
  time: v.string(),
  region: v.string(),
  resources: v.array(v.string()),
  detail: v.record(v.string(), v.unknown()),
});
const eventRow = v.object({
  seq: v.number(),
  attempts: v.number(),
  event: v.pipe(v.string(), v.parseJson(), busEvent),
});
const dueRow = v.object({ at: v.nullable(v.number()) });

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_due ON events (due_at) WHERE due_at IS NOT NULL;
`;

/** Accepted events in one SQLite file; `due_at` is null once an event has been handed on, or given up. */
export function openEventStore(path: string, deps: { now: () => number }) {
  const database = new DatabaseSync(path);
  database.exec(schema);
  const sql = {
    add: database.prepare("INSERT INTO events (event, due_at) VALUES (?, ?)"),
    // An event still waiting for its target is kept however old it is.
    prune: database.prepare("DELETE FROM events WHERE due_at IS NULL AND seq <= (SELECT max(seq) FROM events) - ?"),
    due: database.prepare("SELECT * FROM events WHERE due_at <= ? ORDER BY due_at, seq LIMIT ?"),
    nextDue: database.prepare("SELECT min(due_at) AS at FROM events WHERE due_at IS NOT NULL"),
    mark: database.prepare("UPDATE events SET due_at = ?, attempts = attempts + 1 WHERE seq = ?"),
    newest: database.prepare("SELECT * FROM events ORDER BY seq DESC LIMIT ?"),
  };
  return {
    add(events: readonly BusEvent[]): void {
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const event of events) sql.add.run(JSON.stringify(event), deps.now());
        sql.prune.run(maxKeptEvents);
        database.exec("COMMIT");
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
    due(limit: number): DueEvent[] {
      return sql.due.all(deps.now(), limit).map((row) => v.parse(eventRow, row));
    },
    nextDueAt(): number | undefined {
      return v.parse(dueRow, sql.nextDue.get()).at ?? undefined;
    },
    delivered: (seq: number): void => void sql.mark.run(null, seq),
    tryAgainAt: (seq: number, at: number): void => void sql.mark.run(at, seq),
    newest(limit: number): BusEvent[] {
      return sql.newest.all(limit).map((row) => v.parse(eventRow, row).event);
    },
    close: (): void => database.close(),
  };
}
