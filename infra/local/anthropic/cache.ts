import { type Block, prefixHashes, type Ttl } from "./prompt.ts";

/** Input tokens of one request by how they are billed. */
export interface CacheSplit {
  uncached: number;
  read: number;
  write5m: number;
  write1h: number;
}

/** One request as the cache sees it. Times are milliseconds since the epoch. */
export interface CacheUse {
  /** Who shares entries: workspace, model, and real-time or batch. */
  pool: string;
  blocks: readonly Block[];
  messageSalt: string;
  minTokens: number;
  startsAt: number;
  /** When the answer begins: what this request writes can be read by requests that start then or later. */
  answersAt: number;
}

interface Entry {
  usableAt: number;
  expiresAt: number;
  ttlMs: number;
}

export interface PromptCache {
  use(request: CacheUse): CacheSplit;
  /** Drops entries that ended before this time, once no request that started earlier can still come. */
  forget(before: number): void;
}

const ttlMs: Readonly<Record<Ttl, number>> = { "5m": 5 * 60_000, "1h": 60 * 60_000 };
/** How far a read looks back from a breakpoint (prompt caching guide). */
const lookbackPositions = 20;

/**
 * The prompt cache by the published rules. Entries exist only where a breakpoint wrote them and end a lifetime after the
 * start of the request that wrote or last read them. Batches and real-time calls do not read each other's entries, which is
 * the caller's business by way of `pool`. Requests may come out of order, a batch being worked on only when it ends:
 * each is judged at its own start, but for a refresh by a batch still open, which is seen late.
 */
export function createCache(): PromptCache {
  const entries = new Map<string, Entry>();
  return {
    use: (request) => useCache(request, entries),
    forget: (before) => {
      for (const [key, entry] of entries) if (entry.expiresAt < before) entries.delete(key);
    },
  };
}

function useCache(request: CacheUse, entries: Map<string, Entry>): CacheSplit {
  const { blocks, pool } = request;
  const total = blocks.reduce((sum, block) => sum + block.tokens, 0);
  const split: CacheSplit = { uncached: total, read: 0, write5m: 0, write1h: 0 };
  if (!blocks.some((block) => block.ttl !== undefined)) return split;
  const hashes = prefixHashes(blocks, request.messageSalt).map((hash) => `${pool}\n${hash}`);
  const sizes = runningTotals(blocks);
  const marks = blocks.flatMap((block, at) => {
    const tokens = sizes[at] ?? 0;
    return block.ttl === undefined || tokens < request.minTokens
      ? []
      : [{ at, tokens, ttl: block.ttl, key: hashes[at] ?? "" }];
  });
  const hit = findHit({ ...request, hashes, entries, marks: marks.map((mark) => mark.at) });
  if (hit !== undefined) split.read = sizes[hit] ?? 0;
  let done = split.read;
  for (const mark of marks) {
    // A breakpoint inside what was read keeps its own entry, if it has one, alive: a read refreshes for free.
    keep(entries, mark.key, { ...request, ttlMs: ttlMs[mark.ttl], write: mark.tokens > done });
    if (mark.tokens <= done) continue;
    split[mark.ttl === "1h" ? "write1h" : "write5m"] += mark.tokens - done;
    done = mark.tokens;
  }
  split.uncached = total - done;
  return split;
}

function runningTotals(blocks: readonly Block[]): number[] {
  let sum = 0;
  return blocks.map((block) => {
    sum += block.tokens;
    return sum;
  });
}

interface Lookup {
  blocks: readonly Block[];
  hashes: readonly string[];
  marks: readonly number[];
  entries: Map<string, Entry>;
  startsAt: number;
}

/** The longest cached prefix within reach of a breakpoint; refreshes what it finds. */
function findHit({ blocks, hashes, marks, entries, startsAt }: Lookup): number | undefined {
  for (const mark of marks.toReversed()) {
    let positions = 0;
    for (let at = mark; at >= 0 && positions < lookbackPositions; at--) {
      const entry = entries.get(hashes[at] ?? "");
      if (entry !== undefined && isUsable(entry, startsAt)) {
        entry.expiresAt = Math.max(entry.expiresAt, startsAt + entry.ttlMs);
        return at;
      }
      if (!isInsideRun(blocks, at)) positions++;
    }
  }
  return undefined;
}

/** A run of tool calls, or of their results, counts as one position. */
function isInsideRun(blocks: readonly Block[], at: number): boolean {
  const type = blocks[at]?.type ?? "";
  return (type === "tool_use" || type === "tool_result") && blocks[at - 1]?.type === type;
}

function isUsable(entry: Entry, at: number): boolean {
  return entry.usableAt <= at && at < entry.expiresAt;
}

interface Keeping {
  startsAt: number;
  answersAt: number;
  ttlMs: number;
  write: boolean;
}

function keep(entries: Map<string, Entry>, key: string, { startsAt, answersAt, ttlMs: life, write }: Keeping): void {
  const entry = entries.get(key);
  const alive = entry !== undefined && startsAt < entry.expiresAt;
  if (!write) {
    if (alive) entry.expiresAt = Math.max(entry.expiresAt, startsAt + entry.ttlMs);
    return;
  }
  // A sibling wrote it too, or it was out of this request's sight: the entry is usable from the earlier answer on.
  entries.set(key, {
    usableAt: alive ? Math.min(entry.usableAt, answersAt) : answersAt,
    expiresAt: Math.max(alive ? entry.expiresAt : 0, startsAt + life),
    ttlMs: Math.max(alive ? entry.ttlMs : 0, life),
  });
}
