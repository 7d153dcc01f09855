import * as v from "valibot";
import type { Item, Key, Table } from "../clients/table.ts";
import { iso } from "../domain/clock.ts";
import { CorruptRecordError } from "../domain/errors.ts";
import { type Manifest, type Member, manifestStates } from "../domain/manifest.ts";
import { time } from "../domain/parse.ts";
import { readableItem, readItem } from "./versions.ts";

/** How a manifest lies in the table. */
/** In seconds. */
const optionalExpiry = v.exactOptional(v.number());
const optionalTime = v.exactOptional(time);
const schema = v.object({
  manifestId: v.string(),
  lane: v.string(),
  state: v.picklist(manifestStates),
  createdAt: time,
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
  firstExpiry: optionalExpiry,
  lastExpiry: optionalExpiry,
  nextExpiry: optionalExpiry,
  results: v.exactOptional(
    v.object({ succeeded: v.number(), errored: v.number(), canceled: v.number(), expired: v.number() }),
  ),
});
const pageSchema = v.object({ members: v.array(v.string()) });

export const manifestPartition = (manifestId: string) => `MANIFEST#${manifestId}`;
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
export const openKey = ({ lane, manifestId }: { lane: string; manifestId: string }) => ({
  pk: "OPEN",
  sk: `${lane}#${manifestId}`,
});
/** @throws CorruptRecordError naming the field */
export const toManifest = (item: Item): Manifest => readItem(schema, item, item.pk);

export interface OpenManifest {
  manifestId: string;
  lane: string;
  count: number;
}

/** Its key says which manifest it is, so that no damage to the rest keeps it, or another, from being found. */
export function toOpen({ sk, count }: Item): OpenManifest {
  const [, lane = "", manifestId = ""] = /^(.*)#(.*)$/.exec(sk) ?? [];
  return { lane, manifestId, count: typeof count === "number" ? count : 0 };
}

/** @throws CorruptRecordError for what is no page */
export function toMembers(item: Item): Member[] {
  return readItem(pageSchema, item, `${item.sk} of ${item.pk}`).members.map(toMember);
}

function toMember(name: string): Member {
  const [sessionId = "", turn = ""] = name.split(".");
  return { sessionId, turn: Number(turn) };
}

/** Page by page; that one of them cannot be read is said once the others were handed over. */
export async function* readMembers(table: Table, manifestId: string): AsyncGenerator<Member[]> {
  let after: Key | undefined;
  const damaged: Item[] = [];
  do {
    const page = await table.query({
      pk: manifestPartition(manifestId),
      prefix: "PAGE#",
      limit: 5,
      ...(after === undefined ? {} : { after }),
    });
    for (const item of page.items) {
      const read = readableItem(pageSchema, item);
      if (read === undefined) damaged.push(item);
      else yield read.members.map(toMember);
    }
    after = page.next;
  } while (after !== undefined);
  // The others come first; that not everybody was there must not go unnoticed.
  for (const item of damaged) throw new CorruptRecordError(`${item.sk} of ${item.pk}`, "it cannot be read");
}
