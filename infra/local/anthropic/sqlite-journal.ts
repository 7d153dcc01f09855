import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { type BatchLines, type Journal, type LineKind, parseRecord } from "./journal.ts";

/** Lines are kept in pages of about this many characters: 100,000 rows would be slow, one row would be all in memory. */
const pageCharacters = 256 * 1024;

const textRow = v.object({ text: v.string() });
const recordRow = v.object({ seq: v.number(), text: v.string() });

/**
 * The journal in one SQLite file. A write-ahead log with `synchronous = NORMAL` loses nothing when the process is
 * killed; only a power cut could take the last moments.
 */
export function openSqliteJournal(path: string): Journal {
  const db = new DatabaseSync(path);
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 5000;
    CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS pages (
      batch TEXT NOT NULL, kind TEXT NOT NULL, page INTEGER NOT NULL, text TEXT NOT NULL,
      UNIQUE (batch, kind, page)
    );
  `);
  const insertRecord = db.prepare("INSERT INTO records (text) VALUES (?)");
  const insertPage = db.prepare("INSERT INTO pages (batch, kind, page, text) VALUES (?, ?, ?, ?)");
  const nextRecord = db.prepare("SELECT seq, text FROM records WHERE seq > ? ORDER BY seq LIMIT 1");
  const onePage = db.prepare("SELECT text FROM pages WHERE batch = ? AND kind = ? AND page = ?");
  const deletePages = db.prepare("DELETE FROM pages WHERE batch = ? AND kind = ?");

  return {
    append: (record, bodies = []) => {
      inTransaction(db, () => {
        insertRecord.run(JSON.stringify(record));
        for (const body of bodies)
          writePages(body, (page, text) => insertPage.run(body.batchId, body.kind, page, text));
      });
    },
    // One row a query: a statement left open over the caller's own writes would be asking for trouble.
    *load() {
      for (let row = nextRecord.get(0); row !== undefined; ) {
        const { seq, text } = v.parse(recordRow, row);
        yield parseRecord(text);
        row = nextRecord.get(seq);
      }
    },
    *lines(batchId: string, kind: LineKind) {
      for (let page = 0; ; page++) {
        const row = onePage.get(batchId, kind, page);
        if (row === undefined) return;
        yield* v.parse(textRow, row).text.split("\n");
      }
    },
    drop: (batchId, kind) => void deletePages.run(batchId, kind),
    close: () => db.close(),
  };
}

function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    work();
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** A line is JSON on one line, so that a newline can only be between two of them. */
function writePages({ lines }: BatchLines, write: (page: number, text: string) => void): void {
  let page = 0;
  let held: string[] = [];
  let characters = 0;
  const flush = () => {
    if (held.length > 0) write(page++, held.join("\n"));
    held = [];
    characters = 0;
  };
  for (const line of lines) {
    held.push(line);
    characters += line.length;
    if (characters >= pageCharacters) flush();
  }
  flush();
}
