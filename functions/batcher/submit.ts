import { chunksOf } from "../domain/concurrently.ts";
import type { Lane } from "../domain/config/index.ts";
import {
  batchesUnavailable,
  type CreateRefusal,
  classifyCreateRefusal,
  goesRealtime,
} from "../domain/create-outcome.ts";
import { membersPerPage } from "../domain/limits.ts";
import type { Manifest, Member } from "../domain/manifest.ts";
import { expiriesOf } from "../domain/retention.ts";
import { shortened } from "../domain/session.ts";
import { releaseManifest, releaseMembers } from "../turns/release.ts";
import type { Candidate } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";
import { bytesOf, claim, linesOf, type Sent, stillIn, takeOver } from "./members.ts";
import { parkLane } from "./park.ts";
import { hasTimeFor } from "./time-left.ts";

/** What came of a group. After `parked` nothing more of the lane may be sent; `none` had nobody left to send. */
export type Submitted =
  | { kind: "accepted"; manifestId: string }
  | { kind: "parked"; notBefore: number }
  | { kind: "refused" | "unknown" | "none" };

/** What a manifest's requests have in common. */
type Common = Pick<Manifest, "betas" | "primes" | "parent" | "firstExpiry" | "lastExpiry">;

/** One group of sessions into one Message Batch: manifest, pages, claims, and only then one call. */
export async function submitGroup(group: readonly Candidate[], lane: Lane, deps: BatcherDeps): Promise<Submitted> {
  const [first] = group;
  const common = {
    betas: [...(first?.betas ?? [])],
    ...(first?.primes === true ? { primes: true } : {}),
    ...expiriesOf(group.map(({ session }) => session)),
  };
  const manifest = await newManifest(toMembers(group), common, lane, deps);
  const { manifestId } = manifest;
  const members = await claim(group, manifestId, deps);
  const handles = group.flatMap((candidate) => candidate.handles);
  // Whoever was not claimed was moved by somebody else, whose business the session is now: all messages may go.
  return send(manifest, members, lane, deps, () => deps.removeMessages(lane.id, handles));
}

/**
 * Head and pages are there before the first claim, so that a session that names a manifest is always on its pages; a page
 * may also name one that was never claimed, which its own manifest tells.
 */
async function newManifest(
  members: readonly Member[],
  common: Common,
  lane: Lane,
  { manifests, clock, newId }: BatcherDeps,
): Promise<Manifest> {
  const pages = chunksOf(members, membersPerPage);
  const manifest: Manifest = {
    ...common,
    manifestId: newId(),
    lane: lane.id,
    state: "preparing",
    createdAt: clock.now(),
    count: members.length,
    bytes: 0,
    pages: pages.length,
    readFailures: 0,
    credential: {
      ...(lane.workspaceId === undefined ? {} : { workspaceId: lane.workspaceId }),
      ...(lane.apiKeySecret === undefined ? {} : { apiKeySecret: lane.apiKeySecret }),
    },
  };
  await manifests.create(manifest);
  for (const [index, page] of pages.entries()) await manifests.addPage(manifest, index + 1, page);
  return manifest;
}

const toMembers = (candidates: readonly Candidate[]): Member[] =>
  candidates.map(({ session: { sessionId, turn } }) => ({ sessionId, turn }));

/** Writes down that the call may begin, and makes it. A crash anywhere leaves a manifest that says how far it came. */
async function send(
  manifest: Manifest,
  members: readonly Sent[],
  lane: Lane,
  deps: BatcherDeps,
  beforeCall: () => Promise<void>,
): Promise<Submitted> {
  const { manifests, clock, createTimeoutSeconds } = deps;
  const bytes = bytesOf(members, manifest.manifestId);
  const notAfter = clock.now() + createTimeoutSeconds * 1000;
  const submitting =
    members.length === 0
      ? undefined
      : await manifests.move("submit", manifest, { count: members.length, bytes, notAfter });
  await beforeCall();
  if (submitting === undefined) {
    // Nobody is left, or rescue has given this manifest up: it must not be sent.
    await giveUp("giveUp", manifest, "nobody left to send", deps);
    return { kind: "none" };
  }
  return post(submitting, members, lane, deps);
}

/** At most one POST, and what it proves. */
async function post(manifest: Manifest, members: readonly Sent[], lane: Lane, deps: BatcherDeps): Promise<Submitted> {
  const { manifests, clock, log } = deps;
  const { manifestId, betas, count, bytes } = manifest;
  const timeoutMs = (manifest.notAfter ?? 0) - clock.now();
  if (timeoutMs <= 0) {
    await giveUp("abandon", manifest, "no time left for its call", deps);
    return { kind: "none" };
  }
  const lines = linesOf(members, manifestId);
  const answer = await deps.anthropicFor(lane).createBatch({ lines, bytes, betas, timeoutMs });
  if (answer.kind === "accepted") {
    const { batchId } = answer.batch;
    await manifests.accept(manifest, batchId, answer.workspaceId);
    log("manifest_submitted", { manifestId, batchId, lane: lane.id, count, bytes });
    return { kind: "accepted", manifestId };
  }
  const refusal: CreateRefusal =
    answer.kind === "refused"
      ? classifyCreateRefusal(answer.answer, bytes)
      : { kind: "unknown", message: answer.message };
  if (refusal.kind === "unknown") {
    // The call is over, so the time in which a batch can still appear ends now. Reconcile asks Anthropic's list.
    await manifests.move("bound", manifest, { notAfter: clock.now(), callEnded: true });
    log("manifest_unknown", { manifestId, lane: lane.id, reason: refusal.message });
    return { kind: "unknown" };
  }
  return refusal.kind === "park"
    ? park(manifest, refusal, lane, deps)
    : refuseContent(manifest, members, refusal.message, lane, deps);
}

/** Nothing was made and nothing is wrong with the work: it goes back, and waits with its lane. */
async function park(
  manifest: Manifest,
  refusal: Extract<CreateRefusal, { kind: "park" }>,
  lane: Lane,
  deps: BatcherDeps,
): Promise<Submitted> {
  const reason = await confirmed(refusal.reason, lane, deps);
  const parked = await parkLane(lane, { ...refusal, reason }, deps);
  const notBefore = goesRealtime(lane, parked) ? 0 : parked.until;
  await giveUp("abandon", manifest, reason, deps, notBefore);
  return { kind: "parked", notBefore };
}

/** Batches are only said to be unavailable where the same credential is good for something else, which asking is free. */
async function confirmed(reason: string, lane: Lane, deps: BatcherDeps): Promise<string> {
  if (reason !== batchesUnavailable) return reason;
  return (await deps.anthropicFor(lane).isServed()) ? reason : "not_found";
}

/** This body will never be taken: each half is tried by itself, down to the one session at fault. No attempt is burnt. */
async function refuseContent(
  manifest: Manifest,
  members: readonly Sent[],
  message: string,
  lane: Lane,
  deps: BatcherDeps,
): Promise<Submitted> {
  const { log, sessions, clock } = deps;
  const { manifestId } = manifest;
  const [first] = members;
  log("manifest_refused", { manifestId, lane: lane.id, count: members.length });
  if (members.length === 1 && first !== undefined) {
    const error = shortened({ type: "invalid_request_error", message });
    for (const session of await stillIn(manifest, [first], deps)) {
      await sessions.move("leaveBatch", session, "failed", { error, endedAt: clock.now() });
    }
    log("session_failed", { sessionId: first.sessionId, type: error.type });
    await giveUp("abandon", manifest, "refused", deps);
    return { kind: "refused" };
  }
  return splitManifest(manifest, members, lane, deps);
}

/** Two manifests take over from one; whoever is not taken over, for whatever reason, is let go with the first. */
async function splitManifest(
  manifest: Manifest,
  members: readonly Sent[],
  lane: Lane,
  deps: BatcherDeps,
): Promise<Submitted> {
  const { manifests, log } = deps;
  const { betas, primes, firstExpiry, lastExpiry } = manifest;
  const common = {
    betas,
    ...(primes === undefined ? {} : { primes }),
    // Of both halves, so that neither is looked at, or goes, too late or too early.
    ...(firstExpiry === undefined ? {} : { firstExpiry }),
    ...(lastExpiry === undefined ? {} : { lastExpiry }),
  };
  const abandoned = await manifests.move("abandon", manifest, { reason: "split" });
  if (abandoned === undefined) return { kind: "none" };
  log("manifest_split", { manifestId: manifest.manifestId, count: members.length });
  let outcome: Submitted = { kind: "none" };
  for (const half of chunksOf(members, Math.ceil(members.length / 2))) {
    if (outcome.kind === "parked" || !hasTimeFor(deps)) break;
    const child = await newManifest(half, { ...common, parent: manifest.manifestId }, lane, deps);
    const taken = await takeOver(manifest, child, half, deps);
    outcome = await send(child, taken, lane, deps, async () => {});
  }
  await releaseManifest(abandoned, deps);
  return outcome;
}

async function giveUp(
  move: "giveUp" | "abandon",
  manifest: Manifest,
  reason: string,
  deps: BatcherDeps,
  releaseNotBefore?: number,
): Promise<void> {
  const until = releaseNotBefore === undefined ? {} : { releaseNotBefore };
  const abandoned = await deps.manifests.move(move, manifest, { reason, ...until });
  // Whoever gave it up before us may have looked before we had claimed.
  await (abandoned === undefined ? releaseMembers(manifest, deps) : releaseManifest(abandoned, deps));
}
