import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import * as v from "valibot";

export type ObjectFacts = v.InferOutput<typeof factsRow>;
export type ObjectStore = ReturnType<typeof openObjectStore>;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL, etag TEXT NOT NULL,
    modified_at INTEGER NOT NULL, PRIMARY KEY (bucket, key)
  ) STRICT;
`;

const factsRow = v.object({
  /** The headers given back on a read, as JSON. */
  headers: v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string())),
  etag: v.string(),
  modified_at: v.number(),
  bytes: v.number(),
});
const bodyRow = v.object({ body: v.instance(Uint8Array) });

/** Buckets and objects in one SQLite file. A call that has returned is on disk. */
export function openObjectStore(path: string, deps: { now: () => number }) {
  const database = new DatabaseSync(path);
  database.exec(schema);
  const sql = {
    createBucket: database.prepare("INSERT OR IGNORE INTO buckets VALUES (?)"),
    bucket: database.prepare("SELECT name FROM buckets WHERE name = ?"),
    put: database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"),
    facts: database.prepare(
      "SELECT headers, etag, modified_at, length(body) AS bytes FROM objects WHERE bucket = ? AND key = ?",
    ),
    body: database.prepare("SELECT body FROM objects WHERE bucket = ? AND key = ?"),
    remove: database.prepare("DELETE FROM objects WHERE bucket = ? AND key = ?"),
    // A folder says for how many days its objects are needed; the others stay.
    expire: database.prepare(
      "DELETE FROM objects WHERE key GLOB '[0-9]*-days/*' AND modified_at < ? - (key + 1) * 86400000",
    ),
  };
  return {
    createBucket: (name: string): void => void sql.createBucket.run(name),
    hasBucket: (name: string): boolean => sql.bucket.get(name) !== undefined,
    /** Returns the new ETag, quoted as S3 quotes it. */
    put(bucket: string, key: string, object: { body: Uint8Array; headers: Record<string, string> }): string {
      const etag = `"${createHash("md5").update(object.body).digest("hex")}"`;
      sql.put.run(bucket, key, object.body, JSON.stringify(object.headers), etag, deps.now());
      return etag;
    },
    facts(bucket: string, key: string): ObjectFacts | undefined {
      const row = sql.facts.get(bucket, key);
      return row === undefined ? undefined : v.parse(factsRow, row);
    },
    body(bucket: string, key: string): Uint8Array {
      return v.parse(bodyRow, sql.body.get(bucket, key)).body;
    },
    /** What a lifecycle rule for each folder does on AWS. */
    expire: (): void => void sql.expire.run(deps.now()),
    remove: (bucket: string, key: string): void => void sql.remove.run(bucket, key),
    close: (): void => database.close(),
  };
}
