import type { Batch } from "../domain/batch.ts";
import { mapConcurrently } from "../domain/concurrently.ts";
import {
  batchLifeSeconds,
  concurrency,
  maxReadAgainSeconds,
  resultsLifeSeconds,
  resultsMissingSeconds,
} from "../domain/limits.ts";
import { type Manifest, readAgainSeconds } from "../domain/manifest.ts";
import { type ParsedLine, parseResultLine } from "../domain/outcome.ts";
import type { Renew } from "../store/leases.ts";
import { deliver } from "../turns/deliver.ts";
import { settle, tryAgain } from "../turns/settle.ts";
import { loseMembers } from "./lost-results.ts";
import type { OpenWork } from "./open-work.ts";
import type { PollerDeps } from "./tick.ts";

/** Lines that are settled side by side before more are read: bounds memory, whatever the size of the file. */
const linesPerPage = 200;
/** A settle that began must have time for a page and its bookkeeping. */
const pageMs = 60_000;
/** The longest step between two renewals: a page of lines, or the wait for the first of them. */
const leaseSeconds = 120;

/** Called after each page: whoever settles is still alive. */
type SettleBatchDeps = PollerDeps & { onPage: () => Promise<unknown> };

type OurLine = { text: string; lineNo: number; parsed: ParsedLine };

/** Every open manifest whose batch has ended, the oldest first. */
export async function settleBatches(work: readonly OpenWork[], renewTick: Renew, deps: PollerDeps): Promise<void> {
  const { manifests, clock, log } = deps;
  const submitted = work.filter(({ manifest }) => manifest.state === "submitted");
  for (const one of submitted.toSorted((a, b) => a.manifest.createdAt - b.manifest.createdAt)) {
    if (deps.millisecondsLeft() < 2 * pageMs) return log("time_short", { manifestId: one.manifest.manifestId });
    const batch = one.batch ?? (await findBatch(one, deps));
    if (batch?.status !== "ended") continue;
    one.batch = batch;
    const { manifest } = one;
    const endedAt = manifest.endedAt ?? clock.now();
    if (manifest.endedAt === undefined)
      one.manifest = (await manifests.move("note", manifest, { endedAt })) ?? manifest;
    if ((manifest.readAgainAt ?? 0) > clock.now()) continue;
    await deps.leases.hold(`settle/${manifest.manifestId}`, leaseSeconds, (renew) =>
      settleBatch(one, batch, { ...deps, onPage: () => Promise.all([renewTick(), renew()]) }),
    );
  }
}

/** A batch that the list does not show is asked for by itself; one that nobody has seen for days is given up. */
async function findBatch({ manifest, workspace }: OpenWork, deps: PollerDeps): Promise<Batch | undefined> {
  const { log, clock } = deps;
  if (manifest.batchId === undefined) return undefined;
  try {
    const batch = await workspace.anthropic.retrieveBatch(manifest.batchId);
    const unseenMs = clock.now() - manifest.createdAt - (batchLifeSeconds + resultsMissingSeconds) * 1000;
    if (batch === undefined && unseenMs > 0) await loseMembers(manifest, "the batch is no longer there", deps);
    return batch;
  } catch (error) {
    log("manifest_unreadable", {
      manifestId: manifest.manifestId,
      error: error instanceof Error ? error.name : "unknown",
    });
    return undefined;
  }
}

/** Reads the whole file and settles every line of it. A short read is never believed: it is read again, from the top. */
async function settleBatch(one: OpenWork, batch: Batch, deps: SettleBatchDeps): Promise<void> {
  const { clock } = deps;
  const { manifest } = one;
  const isOver = batch.archivedAt !== undefined || clock.now() > batch.createdAt + resultsLifeSeconds * 1000;
  if (isOver) return loseMembers(manifest, "the results are no longer kept", deps);
  const read = await readResults(one, batch, deps);
  const isMissing =
    read.problem === "404" && clock.now() > (batch.endedAt ?? clock.now()) + resultsMissingSeconds * 1000;
  if (isMissing) return loseMembers(manifest, "the results were never to be had", deps);
  if (read.problem !== undefined || read.seen.size < batch.total) {
    return readAgain(manifest, read.problem ?? `${read.seen.size} of ${batch.total} lines`, deps);
  }
  await requeueMissing(manifest, read.seen, deps);
  const settled = await deps.manifests.move("settle", manifest, {
    settledAt: clock.now(),
    readProblem: undefined,
    readAgainAt: undefined,
  });
  if (settled !== undefined) deps.log("manifest_settled", { manifestId: manifest.manifestId, lines: read.seen.size });
}

interface Read {
  /** The `custom_id`s seen, each once however often its line comes. */
  seen: Set<string>;
  problem?: string;
}

async function readResults({ manifest, workspace }: OpenWork, batch: Batch, deps: SettleBatchDeps): Promise<Read> {
  const seen = new Set<string>();
  let page: OurLine[] = [];
  let lineNo = 0;
  try {
    const lines = await workspace.anthropic.results(batch);
    if (lines === undefined) return { seen, problem: "404" };
    for await (const text of lines) {
      lineNo += 1;
      const parsed = parseResultLine(text);
      if (parsed.kind === "garbled") return { seen, problem: `line ${lineNo} cannot be read` };
      seen.add(parsed.kind === "ours" ? `${parsed.id.sessionId}_${parsed.id.turn}` : parsed.customId);
      page.push({ text, lineNo, parsed });
      if (page.length < linesPerPage) continue;
      await settlePage(manifest, page, deps);
      await deps.onPage();
      page = [];
      if (deps.millisecondsLeft() < pageMs) return { seen, problem: "no time left" };
    }
    await settlePage(manifest, page, deps);
    return { seen };
  } catch (error) {
    return { seen, problem: error instanceof Error ? error.name : "unknown error" };
  }
}

async function settlePage(manifest: Manifest, page: readonly OurLine[], deps: PollerDeps): Promise<void> {
  const ids = page.flatMap(({ parsed }) => (parsed.kind === "ours" ? [parsed.id.sessionId] : []));
  const { sessions } = await deps.sessions.getMany(ids);
  const byId = new Map(sessions.map((session) => [session.sessionId, session]));
  const ended = await mapConcurrently(page, concurrency, async ({ text, lineNo, parsed }) => {
    const session = parsed.kind === "ours" ? byId.get(parsed.id.sessionId) : undefined;
    if (parsed.kind !== "ours" || session === undefined || parsed.id.manifestId !== manifest.manifestId) {
      deps.log("result_quarantined", { manifestId: manifest.manifestId, line: lineNo });
      deps.metrics({ quarantinedLines: 1 });
      await deps.manifests.quarantine(manifest.manifestId, lineNo, text);
      return undefined;
    }
    const { sessionId, turn, manifestId: source } = parsed.id;
    const entry = {
      ...parsed.result,
      sessionId,
      turn,
      source,
      tier: "batch" as const,
      receivedAt: deps.clock.now(),
      text,
    };
    return settle(session, entry, deps);
  });
  await deliver(
    ended.filter((session) => session !== undefined),
    deps,
  );
}

/** After a full read, a member without a line is not dropped: it is tried again. */
async function requeueMissing(manifest: Manifest, seen: ReadonlySet<string>, deps: PollerDeps): Promise<void> {
  for await (const members of deps.manifests.members(manifest.manifestId)) {
    const missing = members.filter(({ sessionId, turn }) => !seen.has(`${sessionId}_${turn}`));
    const { sessions } = await deps.sessions.getMany(missing.map(({ sessionId }) => sessionId));
    const waiting = sessions.filter(
      ({ status, manifestId }) => status === "submitted" && manifestId === manifest.manifestId,
    );
    await mapConcurrently(waiting, concurrency, (session) =>
      tryAgain(session, { type: "no_result", message: "the batch ended without a result for this request" }, deps),
    );
  }
}

async function readAgain(manifest: Manifest, problem: string, deps: PollerDeps): Promise<void> {
  const { manifests, clock, log, tickSeconds } = deps;
  const readFailures = manifest.readFailures + 1;
  const readAgainAt = clock.now() + readAgainSeconds(readFailures, tickSeconds, maxReadAgainSeconds) * 1000;
  log("results_short", { manifestId: manifest.manifestId, problem, failures: readFailures });
  await manifests.move("note", manifest, { readFailures, readAgainAt, readProblem: problem });
}
