import type { Batch } from "../domain/batch.ts";
import { eachConcurrently, mapConcurrently } from "../domain/concurrently.ts";
import { nameOf } from "../domain/errors.ts";
import { formatCustomId } from "../domain/ids.ts";
import { secondsTaken } from "../domain/latency.ts";
import { concurrency, groupedWrites, maxSampledSessions } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import { type ParsedLine, parseResultLine } from "../domain/outcome.ts";
import { expiriesOf } from "../domain/retention.ts";
import { addEntry, emptyRollup, type Rollup } from "../domain/rollup.ts";
import { isTerminal, type Session } from "../domain/session.ts";
import type { Packed } from "../store/bodies.ts";
import { deliver } from "../turns/deliver.ts";
import { type SettleDeps, settle } from "../turns/settle.ts";
import { untold } from "../turns/told.ts";
import { addCached, type CacheTotals } from "./cached.ts";
import type { PollerDeps } from "./deps.ts";
import type { OpenWork } from "./open-work.ts";

/** Lines, and characters of them, that are settled side by side before more are read: bounds memory, whatever the file. */
const linesPerPage = 200;
const charactersPerPage = 8_000_000;
/** While one waits for the table, the next is parsed and compressed. */
const pagesAtOnce = 2;
/** A settle that began must have time for a page and its bookkeeping. */
export const pageMs = 60_000;

/** Called after each page: whoever settles is still alive. */
export type SettleBatchDeps = PollerDeps & { onPage: () => Promise<void> };

/** What one reading of a result file found. */
export interface Read {
  /** Sessions with a line of their own, each once however often it comes: a manifest has one turn of each. */
  seen: Set<string>;
  lines: number;
  hasEnded: boolean;
  problem?: string;
  /** How long the first of the sessions took that were done by this reading. */
  seconds: number[];
  /** What each agent read from the cache and wrote to it. */
  cached: CacheTotals;
  /** Turns that ended by this reading, or an earlier one, and of which nothing could be noted. */
  untold: number;
  /** The sum of what this reading has booked, and the lines that it knows all of; the ledger knows the others. */
  sum: Rollup;
  summed: number;
}

interface Line {
  text: string;
  lineNo: number;
  parsed: ParsedLine;
}

/** Settles every line that can be read, page by page. One that cannot makes the reading incomplete, and harms no other. */
export async function readResults(one: OpenWork, batch: Batch, deps: SettleBatchDeps): Promise<Read> {
  const { manifest, workspace } = one;
  const read: Read = {
    seen: new Set(),
    lines: 0,
    hasEnded: false,
    seconds: [],
    cached: new Map(),
    untold: 0,
    sum: emptyRollup(),
    summed: 0,
  };
  try {
    const lines = await workspace.anthropic.results(batch);
    if (lines === undefined) return { ...read, problem: "404" };
    const underWay = new Set<string>();
    await eachConcurrently(pagesOf(lines, { read, underWay }, deps), pagesAtOnce, async (page) => {
      await settlePage(manifest, page, read, deps);
      for (const { parsed } of page) underWay.delete(nameOfLine(parsed));
      await deps.onPage();
    });
    return read;
  } catch (error) {
    return { ...read, hasEnded: false, problem: nameOf(error) };
  }
}

/**
 * Notes how far it came, and ends early where there is no time to settle another page. A line that comes again says nothing new;
 * while the first one is under way, the second would find the turn ended and nobody told of it.
 */
async function* pagesOf(
  lines: AsyncIterable<string>,
  { read, underWay }: { read: Read; underWay: Set<string> },
  { millisecondsLeft }: SettleBatchDeps,
): AsyncGenerator<Line[]> {
  let page: Line[] = [];
  let characters = 0;
  for await (const text of lines) {
    read.lines += 1;
    const parsed = parseResultLine(text);
    if (parsed.kind === "garbled") read.problem = `line ${read.lines} cannot be read`;
    const name = nameOfLine(parsed);
    if (underWay.has(name)) continue;
    if (name !== "") underWay.add(name);
    page.push({ text, lineNo: read.lines, parsed });
    characters += text.length;
    if (page.length < linesPerPage && characters < charactersPerPage) continue;
    yield page;
    page = [];
    characters = 0;
    if (millisecondsLeft() < pageMs) {
      read.problem = "no time left";
      return;
    }
  }
  if (page.length > 0) yield page;
  read.hasEnded = true;
}

/** Of what is not ours, nothing. */
const nameOfLine = (parsed: ParsedLine) => (parsed.kind === "ours" ? formatCustomId(parsed.id) : "");

/** A line that cannot be settled makes the reading incomplete, and keeps no other from being settled. */
async function settlePage(manifest: Manifest, page: readonly Line[], read: Read, deps: PollerDeps): Promise<void> {
  const ofPage = { manifestId: manifest.manifestId, page: page[0]?.lineNo ?? 0 };
  const ids = page.flatMap(({ parsed }) => (parsed.kind === "ours" ? [parsed.id.sessionId] : []));
  const found = await deps.sessions.getMany(ids);
  const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
  const bodies = await deps.turns.packResults(
    manifest.manifestId,
    page.map(({ text }) => text),
    expiriesOf(found.sessions).lastExpiry,
  );
  const packed = page.map((line, index) => ({ ...line, body: bodies[index] }));
  const onBooked: SettleDeps["onBooked"] = (entry) => {
    read.summed += 1;
    if (entry !== undefined) addEntry(read.sum, entry);
  };
  // A budget is one item, which all its sessions would hold against each other.
  const atOnce = found.sessions.some(({ budget }) => budget !== undefined) ? concurrency / pagesAtOnce : groupedWrites;
  const settled = await mapConcurrently(packed, atOnce, async (line) => {
    try {
      const session = await settleLine(line, manifest, byId, { ...deps, page: ofPage, onBooked });
      const { parsed } = line;
      if (parsed.kind === "ours" && parsed.id.manifestId === manifest.manifestId) {
        const of = byId.get(parsed.id.sessionId);
        // Its own id where it is known: a part of a line's text keeps more of it in memory than the part.
        const { sessionId } = of ?? parsed.id;
        if (!read.seen.has(sessionId)) addCached(read.cached, of, parsed.result);
        read.seen.add(sessionId);
      }
      return session;
    } catch (error) {
      read.problem = `line ${line.lineNo} cannot be settled: ${nameOf(error)}`;
      return undefined;
    }
  });
  const ended = settled.filter((session) => session !== undefined);
  const known = new Map(
    page.flatMap(({ parsed }) => (parsed.kind === "ours" ? [[parsed.id.sessionId, parsed.result]] : [])),
  );
  const hadEnded = ({ sessionId }: Session) => isTerminal(byId.get(sessionId)?.status ?? "queued");
  const earlier = await untold(ended.filter(hadEnded), deps.turns);
  const now = ended.filter((session) => !hadEnded(session));
  read.untold += await deliver(now, { ...deps, known, page: ofPage });
  // Who knows what was noted of them: they may have become due.
  read.untold += await deliver(earlier, { ...deps, known });
  noteSeconds(read, manifest, ended, deps);
}

function noteSeconds(read: Read, manifest: Manifest, ended: readonly Session[], { config }: PollerDeps): void {
  const lane = config.lanes.find(({ id }) => id === manifest.lane);
  for (const session of ended) {
    const taken = session.status === "done" ? secondsTaken(session, lane) : undefined;
    if (taken !== undefined && read.seconds.length < maxSampledSessions) read.seconds.push(taken);
  }
}

/** @returns the session, if this line ended its turn */
async function settleLine(
  { text, lineNo, parsed, body }: Line & { body: Packed | undefined },
  { manifestId }: Manifest,
  byId: ReadonlyMap<string, Session>,
  deps: PollerDeps,
): Promise<Session | undefined> {
  const { clock, log, metrics, manifests } = deps;
  const session = parsed.kind === "ours" ? byId.get(parsed.id.sessionId) : undefined;
  if (parsed.kind !== "ours" || session === undefined || parsed.id.manifestId !== manifestId) {
    log("result_quarantined", { manifestId, line: lineNo });
    metrics({ quarantinedLines: 1 });
    await manifests.quarantine(manifestId, lineNo, text);
    return undefined;
  }
  const { sessionId, turn } = parsed.id;
  const about = {
    sessionId,
    turn,
    source: manifestId,
    receivedAt: clock.now(),
    text,
    ...(body === undefined ? {} : { body }),
  };
  return settle(session, { tier: "batch", ...parsed.result, ...about }, deps);
}
