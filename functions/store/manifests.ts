import type { Clause, Key, Table, Write } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { turnName } from "../domain/ids.ts";
import { manifestListDays } from "../domain/limits.ts";
import {
  type Manifest,
  type ManifestMove,
  type ManifestState,
  type Member,
  manifestMoves,
} from "../domain/manifest.ts";
import { daysLater, manifestExpiry } from "../domain/retention.ts";
import {
  headKey,
  listKey,
  manifestPartition,
  type OpenManifest,
  openKey,
  ownerKey,
  pageKey,
  quarantinePrefix,
  readMembers,
  toManifest,
  toOpen,
} from "./manifest-items.ts";
import { itemVersion } from "./versions.ts";

/**
 * Manifests in the table: a head that moves, insert-only pages of members, and, while it is open, an entry in the one
 * partition that the poller and the quotas read (strongly, so that none is overlooked).
 */
export interface Manifests {
  /** Inserts the head, `preparing`, its entry among the open ones, and its place in the list, in one transaction. */
  create(manifest: Manifest): Promise<void>;
  get(manifestId: string): Promise<Manifest | undefined>;
  addPage(manifest: Manifest, page: number, members: readonly Member[]): Promise<void>;
  members(manifestId: string): AsyncIterable<Member[]>;
  /** One conditional write; `undefined` when the manifest is no longer where the move starts. */
  move(name: ManifestMove, seen: Manifest, changes: ManifestChanges): Promise<Manifest | undefined>;
  /** The batch becomes this manifest's, once and for all. `undefined` when it has another owner or the manifest cannot take it. */
  accept(seen: Manifest, batchId: string, workspaceId: string | undefined): Promise<Manifest | undefined>;
  /** Remembers that a batch of the workspace is none of ours. */
  markForeign(batchId: string): Promise<void>;
  /** Those of these batches whose owner is known: a manifest of ours, or nobody of ours. */
  owned(batchIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Of one lane, or of all. */
  open(lane?: string): Promise<OpenManifest[]>;
  /** Keeps a line that nobody can be found for, for a person to look at. */
  quarantine(manifestId: string, lineNo: number, line: string): Promise<void>;
}

export type ManifestChanges = { [K in keyof Manifest]?: Manifest[K] | undefined };

/** Enough of a line to see what it is; the file itself is kept by Anthropic for 29 days. */
const maxQuarantinedCharacters = 100_000;

const absent: Clause[] = [{ attribute: "pk", is: "absent" }];

export function manifestStore(table: Table, clock: Clock): Manifests {
  // An owner is written once and never changes, so one that was read need not be read again.
  const known = new Set<string>();
  const forAWhile = () => ({ v: itemVersion, expiresAt: daysLater(clock.now(), manifestListDays) });
  return {
    async create(manifest) {
      const head: Write = {
        put: { item: { ...headKey(manifest.manifestId), v: itemVersion, ...manifest }, when: absent },
      };
      const listed: Write = { put: { item: { ...listKey(manifest), ...beside(manifest) }, when: [] } };
      // A lost answer makes the SDK send the transaction again; the second finds the first, which is as good.
      await table.transact([head, openEntry(manifest), listed]);
    },
    async get(manifestId) {
      const item = await table.get(headKey(manifestId));
      return item === undefined ? undefined : toManifest(item);
    },
    async addPage(manifest, page, members) {
      const names = members.map(turnName);
      await table.put({
        item: { ...pageKey(manifest.manifestId, page), ...beside(manifest), members: names },
        when: [],
      });
    },
    members: (manifestId) => readMembers(table, manifestId),
    move: (name, seen, changes) => move(name, seen, { table, clock, changes }),
    accept: (seen, batchId, workspaceId) => accept(table, seen, batchId, workspaceId),
    async markForeign(batchId) {
      await table.insert({ ...ownerKey(batchId), ...forAWhile(), foreign: true });
    },
    async owned(batchIds) {
      const unsure = batchIds.filter((batchId) => !known.has(batchId));
      const items = await table.getMany(unsure.map(ownerKey));
      for (const { pk } of items) known.add(pk.replace("BATCH#", ""));
      return known;
    },
    open: (lane) => readOpen(table, lane),
    async quarantine(manifestId, lineNo, line) {
      const sk = `${quarantinePrefix}${String(lineNo).padStart(6, "0")}`;
      const item = { pk: manifestPartition(manifestId), sk, ...forAWhile() };
      await table.insert({ ...item, line: line.slice(0, maxQuarantinedCharacters) });
    },
  };
}

/**
 * What is beside a head goes with the last of the members, whom it is about, or later. A head itself has no end while anybody
 * has to look at it.
 */
function beside(manifest: Manifest) {
  return { v: itemVersion, expiresAt: manifestExpiry(manifest, manifest.createdAt) };
}

function openEntry(manifest: Manifest): Write {
  const { manifestId, lane, count } = manifest;
  return { put: { item: { ...openKey(manifest), v: itemVersion, manifestId, lane, count }, when: [] } };
}

function headChange(
  name: ManifestMove,
  seen: Manifest,
  changes: ManifestChanges & { expiresAt?: number | undefined },
): Extract<Write, { update: unknown }>["update"] {
  const { from, to } = manifestMoves[name];
  const set = { ...changes, ...(to === undefined ? {} : { state: to }) };
  const remove = Object.entries(changes).flatMap(([attribute, value]) => (value === undefined ? [attribute] : []));
  return { key: headKey(seen.manifestId), set, remove, when: [{ attribute: "state", is: "oneOf", values: from }] };
}

/** What becomes of a manifest's entry among the open ones: what was given up is no longer in flight. */
function entryAfter(to: ManifestState | undefined, seen: Manifest): Write | undefined {
  if (to === "abandoned") return openEntry({ ...seen, count: 0 });
  return to === "settled" || to === "closed" ? { remove: { key: openKey(seen), when: [] } } : undefined;
}

async function move(
  name: ManifestMove,
  seen: Manifest,
  { table, clock, changes }: { table: Table; clock: Clock; changes: ManifestChanges },
): Promise<Manifest | undefined> {
  const { to } = manifestMoves[name];
  const ends = to === "settled" || to === "closed" ? { expiresAt: manifestExpiry(seen, clock.now()) } : {};
  const update = headChange(name, seen, { ...changes, ...ends });
  const entry = entryAfter(to, seen);
  if (entry === undefined) {
    const found = await table.update(update);
    return found.moved ? toManifest(found.item) : undefined;
  }
  const isDone = await table.transact([{ update }, entry]);
  const item = await table.get(headKey(seen.manifestId));
  return item === undefined || !(isDone || item["state"] === to) ? undefined : toManifest(item);
}

async function accept(
  table: Table,
  seen: Manifest,
  batchId: string,
  workspaceId: string | undefined,
): Promise<Manifest | undefined> {
  const { manifestId } = seen;
  // One that was closed is open again.
  const changes = {
    batchId,
    missingSince: undefined,
    expiresAt: undefined,
    ...(workspaceId === undefined ? {} : { workspaceId }),
  };
  const update = headChange("accept", seen, changes);
  const owner: Write = { put: { item: { ...ownerKey(batchId), ...beside(seen), manifestId }, when: [] } };
  await table.transact([owner, { update }, openEntry(seen)]);
  // What is there now says whether it was this transaction, an earlier one of the same batch, or somebody else's.
  const item = await table.get(headKey(manifestId));
  return item !== undefined && item["batchId"] === batchId ? toManifest(item) : undefined;
}

async function readOpen(table: Table, lane: string | undefined): Promise<OpenManifest[]> {
  const open: OpenManifest[] = [];
  let after: Key | undefined;
  do {
    const page = await table.query({
      pk: "OPEN",
      ...(lane === undefined ? {} : { prefix: `${lane}#` }),
      ...(after === undefined ? {} : { after }),
    });
    open.push(...page.items.map(toOpen));
    after = page.next;
  } while (after !== undefined);
  return open;
}
