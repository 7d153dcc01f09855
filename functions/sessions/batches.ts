import type { HttpContext } from "../clients/http.ts";
import { type Clock, iso } from "../domain/clock.ts";
import { RequestError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { clockSkewSeconds, manifestListDays, maxBatchIdCharacters, maxListExamined } from "../domain/limits.ts";
import type { Log } from "../domain/log.ts";
import { type ManifestState, manifestStates } from "../domain/manifest.ts";
import { type ListedManifest, listFrom, type ManifestViews } from "../store/manifest-views.ts";
import type { Sessions } from "../store/sessions.ts";
import { readCursor, readLimit, writeCursor } from "./list.ts";
import { countMembers, membersPage, readMembersCursor } from "./members.ts";
import { readParameters } from "./parameters.ts";

export interface BatchesDeps {
  manifestViews: ManifestViews;
  sessions: Sessions;
  clock: Clock;
  log: Log;
}

interface ListInput {
  state?: ManifestState;
  lane?: string;
  limit: number;
  cursor?: string;
}

/** `GET /api/batches` and `/{id}`: what was sent to Anthropic, or is about to be, and what became of it. */
export function batchRoutes(deps: BatchesDeps) {
  return {
    "GET /api/batches": async (c: HttpContext) => c.json(await listBatches(readListInput(c), deps)),
    "GET /api/batches/:id": (c: HttpContext) => showBatch(c, deps),
  };
}

async function showBatch(c: HttpContext, deps: BatchesDeps): Promise<Response> {
  const { limit, cursor } = readParameters(c, ["limit", "cursor"]);
  const found = await find(c.req.param("id") ?? "", deps);
  const { manifestId, manifest } = found;
  const from = cursor === undefined ? undefined : readMembersCursor(cursor);
  return c.json({
    ...describeManifest(found, deps.clock.now()),
    // Asked for once, and not again with every page.
    ...(from === undefined ? await describeContents(manifestId, deps) : {}),
    ...(await membersPage({ manifestId, pages: manifest?.pages }, { from, limit: readLimit(limit) }, deps)),
  });
}

/** One whose record cannot be read is its id, and its members: those are who waits for it. */
type Found = Pick<ListedManifest, "manifestId" | "manifest">;

/** By the manifest's own id, or by the batch's. */
async function find(id: string, { manifestViews, log }: BatchesDeps): Promise<Found> {
  const own = isId(id.toUpperCase()) ? id.toUpperCase() : undefined;
  const isTheirs = id.startsWith("msgbatch_") && id.length <= maxBatchIdCharacters;
  const manifestId = own ?? (isTheirs ? await manifestViews.ownerOf(id) : undefined);
  const manifest = manifestId === undefined ? undefined : await manifestViews.get(manifestId);
  if (manifestId === undefined || manifest === undefined)
    throw new RequestError(404, "there is no such batch of ours", { param: "batchId" });
  if (manifest !== "damaged") return { manifestId, manifest };
  log("manifest_unreadable", { manifestId });
  return { manifestId };
}

/** A page may be short, or empty, and still have a cursor: what no key answers is looked through, up to a bound. */
async function listBatches({ state, lane, limit, cursor }: ListInput, { manifestViews, clock, log }: BatchesDeps) {
  const now = clock.now();
  const found: ListedManifest[] = [];
  const answer = (count: number, position?: string) => ({
    batches: found.slice(0, count).map((one) => describeManifest(one, now)),
    ...(position === undefined ? {} : { cursor: writeCursor(position) }),
  });
  let examined = 0;
  const below = cursor === undefined ? listFrom(now + clockSkewSeconds * 1000) : readCursor(cursor);
  for await (const page of manifestViews.newest(below, now - manifestListDays * 24 * 3_600_000)) {
    for (const one of page) {
      const { manifest, manifestId, position } = one;
      if (manifest === undefined) log("manifest_unreadable", { manifestId });
      const isWanted = (state ?? manifest?.state) === manifest?.state && (lane ?? manifest?.lane) === manifest?.lane;
      if (isWanted) found.push(one);
      // One more than was asked for shows that there are more.
      if (found.length > limit) return answer(limit, found[limit - 1]?.position);
      examined += 1;
      if (examined >= maxListExamined) return answer(limit, position);
    }
  }
  return answer(limit);
}

const isoOr = (time: number | undefined) => (time === undefined ? undefined : iso(time));

function describeManifest({ manifestId: id, manifest }: Found, now: number) {
  if (manifest === undefined) return { manifestId: id, damaged: true };
  const { manifestId, batchId, lane, state, count, bytes, createdAt, notAfter, endedAt, settledAt } = manifest;
  const { reason, parent, workspaceId, readFailures, readProblem, readAgainAt, results } = manifest;
  return {
    manifestId,
    batchId,
    lane,
    state,
    count,
    bytes,
    createdAt: iso(createdAt),
    ageSeconds: Math.max(0, Math.round((now - createdAt) / 1000)),
    notAfter: isoOr(notAfter),
    endedAt: isoOr(endedAt),
    settledAt: isoOr(settledAt),
    reason,
    parent,
    workspaceId,
    readFailures,
    readProblem,
    readAgainAt: isoOr(readAgainAt),
    results,
  };
}

async function describeContents(manifestId: string, deps: BatchesDeps) {
  return {
    quarantinedLines: await deps.manifestViews.quarantined(manifestId),
    counts: await countMembers(manifestId, deps),
  };
}

function readListInput(c: HttpContext): ListInput {
  const { state: word, lane, limit, cursor } = readParameters(c, ["state", "lane", "limit", "cursor"]);
  const state = manifestStates.find((one) => one === word);
  if (word !== undefined && state === undefined)
    throw new RequestError(400, `state: must be one of ${manifestStates.join(", ")}`, { param: "state" });
  return {
    limit: readLimit(limit),
    ...(state === undefined ? {} : { state }),
    ...(lane === undefined ? {} : { lane }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
