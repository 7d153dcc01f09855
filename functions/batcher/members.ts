import { chunksOf, mapConcurrently } from "../domain/concurrently.ts";
import { groupedWrites, membersPerPage } from "../domain/limits.ts";
import type { Manifest, Member } from "../domain/manifest.ts";
import type { Session } from "../domain/session.ts";
import { batchRequestLine } from "../domain/turn-request.ts";
import { type KeptBody, withBodies } from "../store/kept-bodies.ts";
import type { Candidate } from "./candidates.ts";
import type { BatcherDeps } from "./deps.ts";

/** What is kept of a session that is claimed: all else of it can be read again, and a batch may have 100,000. */
export interface Sent extends Member {
  body: KeptBody;
}

/** @returns those that are the manifest's now */
export async function claim(group: readonly Candidate[], manifestId: string, deps: BatcherDeps): Promise<Sent[]> {
  const { sessions, clock } = deps;
  const claimed = await mapConcurrently(group, groupedWrites, async ({ session, body }) => {
    const { sessionId, turn } = session;
    const moved = await sessions.move("claim", session, "submitted", { manifestId, submittedAt: clock.now() });
    return moved.moved ? { sessionId, turn, body } : undefined;
  });
  return claimed.filter((member) => member !== undefined);
}

/** From one manifest into one of the two that replace it. @returns those that are the second one's now */
export async function takeOver(
  parent: Manifest,
  { manifestId }: Manifest,
  members: readonly Sent[],
  deps: BatcherDeps,
): Promise<Sent[]> {
  const taken: Sent[] = [];
  for (const some of chunksOf(members, membersPerPage)) {
    const byId = new Map(some.map((member) => [member.sessionId, member]));
    const moved = await mapConcurrently(await stillIn(parent, some, deps), groupedWrites, async (session) => {
      const found = await deps.sessions.move("split", session, "submitted", { manifestId });
      return found.moved ? byId.get(session.sessionId) : undefined;
    });
    taken.push(...moved.filter((member) => member !== undefined));
  }
  return taken;
}

/** Those of its members that nobody has moved since. */
export async function stillIn(
  { manifestId }: Manifest,
  members: readonly Member[],
  { sessions }: BatcherDeps,
): Promise<Session[]> {
  const found = await sessions.getMany(members.map(({ sessionId }) => sessionId));
  return found.sessions.filter((session) => session.status === "submitted" && session.manifestId === manifestId);
}

/** Each is written when it is gone through, and kept by nobody: the bodies alone are as large as the batch. */
export function linesOf(members: readonly Sent[], manifestId: string): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (const [{ sessionId, turn }, body] of withBodies(members)) {
        yield batchRequestLine({ sessionId, turn, manifestId }, body);
      }
    },
  };
}

/** Of those lines, each with a comma after it, without making them. */
export function bytesOf(members: readonly Sent[], manifestId: string): number {
  return members.reduce((sum, { sessionId, turn, body }) => {
    const around = batchRequestLine({ sessionId, turn, manifestId }, "");
    return sum + around.length + body.toByte - body.fromByte + 1;
  }, 0);
}
