import { mapConcurrently } from "../domain/concurrently.ts";
import { nameOf } from "../domain/errors.ts";
import { concurrency } from "../domain/limits.ts";
import type { Manifest } from "../domain/manifest.ts";
import { endsBy, expiriesOf, retentionError, sentUntil } from "../domain/retention.ts";
import { isTerminal, type Session } from "../domain/session.ts";
import { deliver } from "../turns/deliver.ts";
import { noteDeparture } from "../turns/departure.ts";
import { fail } from "../turns/settle.ts";
import type { PollerDeps } from "./deps.ts";
import type { Work } from "./open-work.ts";

/** When the first of none goes. */
const nobody = Number.MAX_SAFE_INTEGER;

/** Who waits to be sent, in a lane that was parked for months, ends before it goes: what was accepted never just vanishes. */
export async function endUnsent(session: Session, deps: PollerDeps): Promise<boolean> {
  if ((sentUntil(session) ?? Number.POSITIVE_INFINITY) > deps.clock.now()) return false;
  const failed = await fail(session, retentionError, deps);
  if (failed.moved) await deliver([failed.session], deps);
  return true;
}

/** The same for those in a manifest of which nothing was heard for months; the manifest itself stays open, and its alarm stands. */
export async function endUnheard({ manifests }: Work, deps: PollerDeps): Promise<void> {
  for (const { manifest } of manifests) {
    const firstEnds = endsBy({ expiresAt: manifest.nextExpiry ?? manifest.firstExpiry }) ?? Number.POSITIVE_INFINITY;
    const isHeld = manifest.state === "submitting" || manifest.state === "submitted";
    if (!isHeld || firstEnds > deps.clock.now()) continue;
    try {
      await endMembers(manifest, deps);
    } catch (error) {
      deps.log("tick_failed", { step: "retention", manifestId: manifest.manifestId, error: nameOf(error) });
    }
  }
}

async function endMembers(manifest: Manifest, deps: PollerDeps): Promise<void> {
  const { manifests, sessions, clock } = deps;
  const { manifestId } = manifest;
  let nextExpiry = nobody;
  for await (const members of manifests.members(manifestId)) {
    const found = await sessions.getMany(members.map(({ sessionId }) => sessionId));
    const held = found.sessions.filter((session) => session.manifestId === manifestId && !isTerminal(session.status));
    const answers = await mapConcurrently(held, concurrency, async (session) => {
      const isOver = session.status === "submitted" && (endsBy(session) ?? Number.POSITIVE_INFINITY) <= clock.now();
      return isOver ? fail(session, retentionError, deps) : undefined;
    });
    const ended = answers.flatMap((answer) => (answer?.moved === true ? [answer.session] : []));
    await deliver(ended, deps);
    const endedIds = new Set(ended.map(({ sessionId }) => sessionId));
    const { firstExpiry = nobody } = expiriesOf(held.filter(({ sessionId }) => !endedIds.has(sessionId)));
    nextExpiry = Math.min(nextExpiry, firstExpiry);
  }
  await noteDeparture(manifestId, deps);
  await manifests.move("note", manifest, { nextExpiry });
}
