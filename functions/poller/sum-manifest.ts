import { mapConcurrently } from "../domain/concurrently.ts";
import { accountOf } from "../domain/ledger.ts";
import { concurrency } from "../domain/limits.ts";
import type { Manifest, Member } from "../domain/manifest.ts";
import { addEntry, addRollup, type Entry, emptyRollup, noName, type Rollup } from "../domain/rollup.ts";
import type { Session } from "../domain/session.ts";
import { type Standing, standingOf } from "../domain/standing.ts";
import { chainOf, endOf } from "../domain/turn-chain.ts";
import type { StoredResult } from "../store/turn-items.ts";
import type { Turns } from "../store/turns.ts";
import type { PollerDeps } from "./deps.ts";

/**
 * The sum over the entries of a settled manifest. How each answer stands is known for good by then: whatever a turn
 * became, it became before its manifest was settled.
 */
export async function sumManifest(manifest: Manifest, deps: PollerDeps): Promise<Rollup> {
  const { manifestId, results } = manifest;
  const [sum, unread] = [emptyRollup(), emptyRollup()];
  for await (const members of deps.manifests.members(manifestId)) {
    const entries = await entriesOf(members, manifestId, deps);
    for (const { entry, isRead } of entries) addEntry(isRead ? sum : unread, entry);
  }
  // Where fewer were booked than Anthropic billed, or nobody knows how many it did, any of the others may have been paid for.
  const isShort = results === undefined || sum.all.results < results.succeeded;
  if (isShort) addRollup(sum, unread);
  return sum;
}

async function entriesOf(
  members: readonly Member[],
  manifestId: string,
  { sessions, turns }: PollerDeps,
): Promise<{ entry: Entry; isRead: boolean }[]> {
  const found = await sessions.getMany(members.map(({ sessionId }) => sessionId));
  const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
  const results = await turns.getResults(members.map((member) => ({ ...member, source: manifestId })));
  const entries = await mapConcurrently(members, concurrency, async (member) => {
    const session = byId.get(member.sessionId);
    const result = results.get(`${member.sessionId}.${member.turn}.${manifestId}`);
    if (result === undefined) return { entry: unknownEntry(session), isRead: false };
    return result.billed ? { entry: await entryOf(result, session, turns), isRead: true } : undefined;
  });
  return entries.filter((entry) => entry !== undefined);
}

/** What may have been paid for, and has no entry of its own. */
export function unknownEntry(session: Session | undefined): Entry {
  if (session === undefined) return { account: { agentId: noName, lane: noName }, model: noName };
  return { account: accountOf(session), model: session.model };
}

/** An entry of the ledger, and how its answer stands by now. */
export async function entryOf(result: StoredResult, session: Session | undefined, turns: Turns): Promise<Entry> {
  const { usage, charge, agentId, lane, label, cronJob } = result;
  const unknown = unknownEntry(session);
  const account =
    agentId === undefined || lane === undefined
      ? unknown.account
      : { agentId, lane, ...(label === undefined ? {} : { label }), ...(cronJob === undefined ? {} : { cronJob }) };
  const standing = session === undefined ? undefined : await standingIn(session, result, turns);
  return { account, model: result.model ?? unknown.model, usage, charge, standing };
}

/** The session itself says how its current turn ended; of an earlier one, the request that follows it. */
async function standingIn(session: Session, result: StoredResult, turns: Turns): Promise<Standing | undefined> {
  if (session.turn === result.turn) return standingOf(result, endOf(session));
  const { requests } = await turns.read(session.sessionId);
  const end = chainOf(session, requests).find(({ turn }) => turn === result.turn)?.end;
  return standingOf(result, end);
}
