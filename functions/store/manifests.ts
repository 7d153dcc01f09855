import * as v from "valibot";
import type { Clause, Item, Table, Write } from "../clients/table.ts";
import { iso } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import {
  type Manifest,
  type ManifestMove,
  type ManifestState,
  type Member,
  manifestMoves,
  manifestStates,
} from "../domain/manifest.ts";
import { parseRecord } from "../domain/parse.ts";

/**
 * Manifests in the table: a head that moves, insert-only pages of members, and, while it is open, an entry in the one
 * partition that the poller and the quotas read (strongly, so that none is overlooked).
 */
export interface Manifests {
  /** Inserts the head, `preparing`, its entry among the open ones, and its place in the list, in one transaction. */
  create(manifest: Manifest): Promise<void>;
  get(manifestId: string): Promise<Manifest | undefined>;
  addPage(manifestId: string, page: number, members: readonly Member[]): Promise<void>;
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

export interface OpenManifest {
  manifestId: string;
  lane: string;
  count: number;
}

export type ManifestChanges = { [K in keyof Manifest]?: Manifest[K] | undefined };

const optionalTime = v.exactOptional(v.number());
const schema = v.object({
  manifestId: v.string(),
  lane: v.string(),
  state: v.picklist(manifestStates),
  createdAt: v.number(),
  count: v.number(),
  bytes: v.number(),
  pages: v.number(),
  betas: v.array(v.string()),
  credential: v.object({ apiKeySecret: v.exactOptional(v.string()), workspaceId: v.exactOptional(v.string()) }),
  workspaceId: v.exactOptional(v.string()),
  notAfter: optionalTime,
  batchId: v.exactOptional(v.string()),
  callEnded: v.exactOptional(v.boolean()),
  reason: v.exactOptional(v.string()),
  died: v.exactOptional(v.boolean()),
  primes: v.exactOptional(v.boolean()),
  parent: v.exactOptional(v.string()),
  endedAt: optionalTime,
  readFailures: v.number(),
  readAgainAt: optionalTime,
  readProblem: v.exactOptional(v.string()),
  releaseNotBefore: optionalTime,
  missingSince: optionalTime,
  settledAt: optionalTime,
  results: v.exactOptional(
    v.object({ succeeded: v.number(), errored: v.number(), canceled: v.number(), expired: v.number() }),
  ),
});
const pageSchema = v.object({ members: v.array(v.string()) });

/** Enough of a line to see what it is; the file itself is kept by Anthropic for 29 days. */
const maxQuarantinedCharacters = 100_000;

const manifestPartition = (manifestId: string) => `MANIFEST#${manifestId}`;
export const headKey = (manifestId: string) => ({ pk: manifestPartition(manifestId), sk: "HEAD" });
export const pageKey = (manifestId: string, page: number) => ({
  pk: manifestPartition(manifestId),
  sk: `PAGE#${String(page).padStart(5, "0")}`,
});
export const quarantinePrefix = "QUARANTINE#";
/** Its place in the list of all: a partition a day, sorted by creation. */
export const listKey = ({ createdAt, manifestId }: { createdAt: number; manifestId: string }) => ({
  pk: `BATCHES#${iso(createdAt).slice(0, 10)}`,
  sk: `${iso(createdAt)}#${manifestId}`,
});
export const ownerKey = (batchId: string) => ({ pk: `BATCH#${batchId}`, sk: "OWNER" });
const openKey = ({ lane, manifestId }: { lane: string; manifestId: string }) => ({
  pk: "OPEN",
  sk: `${lane}#${manifestId}`,
});
const absent: Clause[] = [{ attribute: "pk", is: "absent" }];
/** @throws CorruptRecordError naming the field */
export const toManifest = (item: Item): Manifest => parseRecord(schema, item, item.pk);

export function manifestStore(table: Table): Manifests {
  // An owner is written once and never changes, so one that was read need not be read again.
  const known = new Set<string>();
  return {
    async create(manifest) {
      const head: Write = { put: { item: { ...headKey(manifest.manifestId), v: 1, ...manifest }, when: absent } };
      const listed: Write = { put: { item: listKey(manifest), when: [] } };
      // A lost answer makes the SDK send the transaction again; the second finds the first, which is as good.
      await table.transact([head, openEntry(manifest), listed]);
    },
    async get(manifestId) {
      const item = await table.get(headKey(manifestId));
      return item === undefined ? undefined : toManifest(item);
    },
    async addPage(manifestId, page, members) {
      const names = members.map(({ sessionId, turn }) => `${sessionId}.${turn}`);
      await table.put({ item: { ...pageKey(manifestId, page), members: names }, when: [] });
    },
    members: (manifestId) => readMembers(table, manifestId),
    move: (name, seen, changes) => move(table, name, seen, changes),
    accept: (seen, batchId, workspaceId) => accept(table, seen, batchId, workspaceId),
    async markForeign(batchId) {
      await table.put({ item: { ...ownerKey(batchId), foreign: true }, when: [] });
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
      const item = { pk: manifestPartition(manifestId), sk, line: line.slice(0, maxQuarantinedCharacters) };
      await table.put({ item, when: [] });
    },
  };
}

function openEntry(manifest: Manifest): Write {
  const { manifestId, lane, count } = manifest;
  return { put: { item: { ...openKey(manifest), manifestId, lane, count }, when: [] } };
}

function headChange(
  name: ManifestMove,
  seen: Manifest,
  changes: ManifestChanges,
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
  table: Table,
  name: ManifestMove,
  seen: Manifest,
  changes: ManifestChanges,
): Promise<Manifest | undefined> {
  const update = headChange(name, seen, changes);
  const { to } = manifestMoves[name];
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
  const changes = { batchId, missingSince: undefined, ...(workspaceId === undefined ? {} : { workspaceId }) };
  const update = headChange("accept", seen, changes);
  const owner: Write = { put: { item: { ...ownerKey(batchId), manifestId }, when: [] } };
  await table.transact([owner, { update }, openEntry(seen)]);
  // What is there now says whether it was this transaction, an earlier one of the same batch, or somebody else's.
  const item = await table.get(headKey(manifestId));
  return item !== undefined && item["batchId"] === batchId ? toManifest(item) : undefined;
}

async function* readMembers(table: Table, manifestId: string): AsyncGenerator<Member[]> {
  let after: { pk: string; sk: string } | undefined;
  const damaged: Item[] = [];
  do {
    const page = await table.query({
      pk: manifestPartition(manifestId),
      prefix: "PAGE#",
      limit: 5,
      ...(after === undefined ? {} : { after }),
    });
    for (const item of page.items) {
      const read = v.safeParse(pageSchema, item);
      if (read.success) yield read.output.members.map(toMember);
      else damaged.push(item);
    }
    after = page.next;
  } while (after !== undefined);
  // The others come first; that not everybody was there must not go unnoticed.
  for (const item of damaged) throw new CorruptRecordError(`${item.sk} of ${item.pk}`, "it cannot be read");
}

/** Its key says which manifest it is, so that no damage to the rest keeps it, or another, from being found. */
function toOpen({ sk, count }: Item): OpenManifest {
  const [, lane = "", manifestId = ""] = /^(.*)#(.*)$/.exec(sk) ?? [];
  return { lane, manifestId, count: typeof count === "number" ? count : 0 };
}

/** @throws CorruptRecordError for what is no page */
export function toMembers(item: Item): Member[] {
  return parseRecord(pageSchema, item, `${item.sk} of ${item.pk}`).members.map(toMember);
}

function toMember(name: string): Member {
  const [sessionId = "", turn = ""] = name.split(".");
  return { sessionId, turn: Number(turn) };
}

async function readOpen(table: Table, lane: string | undefined): Promise<OpenManifest[]> {
  const open: OpenManifest[] = [];
  let after: { pk: string; sk: string } | undefined;
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
