import { isAway } from "../clients/away.ts";
import type { Batch } from "../domain/batch.ts";
import { nameOf } from "../domain/errors.ts";
import { sampleOf } from "../domain/latency.ts";
import { batchLifeSeconds, maxReadAgainSeconds, resultsLifeSeconds, resultsMissingSeconds } from "../domain/limits.ts";
import { type Manifest, readAgainSeconds } from "../domain/manifest.ts";
import { dayOf, type Mark } from "../store/books.ts";
import type { Renew } from "../store/leases.ts";
import { recordCached } from "./cached.ts";
import type { PollerDeps } from "./deps.ts";
import { failMissing, loseMembers, requeueMissing } from "./missing-results.ts";
import type { OpenWork } from "./open-work.ts";
import { pageMs, type Read, readResults, type SettleBatchDeps } from "./read-results.ts";
import { wakeWaiting } from "./wake.ts";

/** Readings after which a line that cannot be read is taken as lost: with pauses up to 10 minutes, about an hour. */
const hopelessReads = 10;

/** Every open manifest of a lane whose batch has ended, the oldest first. @param renew holds the lane's lease */
export async function settleBatches(work: readonly OpenWork[], renew: Renew, deps: PollerDeps): Promise<void> {
  const { log } = deps;
  const submitted = work.filter(({ manifest }) => manifest.state === "submitted");
  for (const one of submitted.toSorted((a, b) => a.manifest.createdAt - b.manifest.createdAt)) {
    const { manifestId } = one.manifest;
    if (deps.millisecondsLeft() < 2 * pageMs) return log("time_short", { manifestId });
    try {
      await settleIfEnded(one, renew, deps);
    } catch (error) {
      // A damaged page, or whatever it is: the others are settled all the same, and this one is read ever more rarely.
      log("tick_failed", { step: "settle", manifestId, error: nameOf(error) });
      if (!isAway(error)) await readAgain(one.manifest, nameOf(error), deps).catch(() => {});
    }
  }
}

async function settleIfEnded(one: OpenWork, renew: Renew, deps: PollerDeps): Promise<void> {
  const { manifests, clock } = deps;
  const batch = one.batch ?? (await findBatch(one, deps));
  if (batch?.status !== "ended") return;
  one.batch = batch;
  const { manifest } = one;
  const endedAt = manifest.endedAt ?? clock.now();
  if (manifest.endedAt === undefined) one.manifest = (await manifests.move("note", manifest, { endedAt })) ?? manifest;
  if ((manifest.readAgainAt ?? 0) > clock.now()) return;
  await renew();
  await settleBatch(one, batch, { ...deps, onPage: renew });
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
      error: nameOf(error),
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
  const sample = sampleOf(read.seconds, clock.now());
  if (sample !== undefined) await deps.latencies.record(manifest.lane, manifest.manifestId, sample);
  await recordCached(read.cached, manifest.manifestId, batch, deps);
  const isMissing =
    read.problem === "404" && clock.now() > (batch.endedAt ?? clock.now()) + resultsMissingSeconds * 1000;
  if (isMissing) return loseMembers(manifest, "the results were never to be had", deps);
  if (read.untold > 0) return readAgain(manifest, `${read.untold} ends are not noted as told`, deps);
  if (isComplete(read, batch)) await requeueMissing(manifest, read.seen, deps);
  else if (isHopeless(read, batch, manifest)) await failMissing(manifest, read.seen, deps);
  else return readAgain(manifest, read.problem ?? `${read.seen.size} of ${batch.total} lines`, deps);
  const { succeeded, errored, canceled, expired } = batch.counts;
  const results = { succeeded, errored, canceled, expired };
  const changes = { settledAt: clock.now(), readProblem: undefined, readAgainAt: undefined, results };
  // Its sum is due once it is settled, whoever settles it, and whatever was booked before.
  const mark = await deps.books.mark("MANIFEST", manifest.manifestId);
  const settled = await deps.manifests.move("settle", manifest, changes);
  if (settled === undefined) return;
  deps.log("manifest_settled", { manifestId: manifest.manifestId, lines: read.lines });
  if (isSummed(read, batch)) await putSum(mark, manifest, read, deps);
  const lane = deps.config.lanes.find(({ id }) => id === manifest.lane);
  if (manifest.primes === true && lane !== undefined) await wakeWaiting(manifest.manifestId, lane, deps);
}

/** Each request has exactly one line, and its own: what is not ours stands for nobody. */
function isComplete({ problem, seen }: Read, { total }: Batch): boolean {
  return problem === undefined && seen.size >= total;
}

/** Every line of it was new, and was unbilled or has won: nothing of its sum is known to the ledger alone. */
function isSummed({ sum, summed, lines, seen }: Read, { total, counts }: Batch): boolean {
  return summed === total && seen.size === total && lines === total && sum.all.results === counts.succeeded;
}

/** So the books need not read all of it again. What fails of this is summed from the ledger: the mark is still there. */
async function putSum(mark: Mark, manifest: Manifest, { sum }: Read, { books, log }: PollerDeps): Promise<void> {
  try {
    await books.putTotal(mark, dayOf(manifest.createdAt), sum);
  } catch (error) {
    log("tick_failed", { step: "usage", manifestId: manifest.manifestId, error: nameOf(error) });
  }
}

/** All lines are there, again and again, and some of them cannot be read: they will not become better. */
function isHopeless({ hasEnded, lines }: Read, { total }: Batch, { readFailures }: Manifest): boolean {
  return hasEnded && lines >= total && readFailures >= hopelessReads;
}

async function readAgain(manifest: Manifest, problem: string, deps: PollerDeps): Promise<void> {
  const { manifests, clock, log, tickSeconds } = deps;
  const readFailures = manifest.readFailures + 1;
  const readAgainAt = clock.now() + readAgainSeconds(readFailures, tickSeconds, maxReadAgainSeconds) * 1000;
  log("results_short", { manifestId: manifest.manifestId, problem, failures: readFailures });
  await manifests.move("note", manifest, { readFailures, readAgainAt, readProblem: problem });
}
