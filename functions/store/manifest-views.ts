import type { Key, Table } from "../clients/table.ts";
import { iso } from "../domain/clock.ts";
import { maxPageSize } from "../domain/limits.ts";
import type { Manifest, Member } from "../domain/manifest.ts";
import { headKey, listKey, ownerKey, pageKey, quarantinePrefix, toManifest, toMembers } from "./manifest-items.ts";

/** A manifest and its place in the list; only its id where it cannot be read. */
export interface ListedManifest {
  manifestId: string;
  position: string;
  manifest?: Manifest;
}

/** Manifests as a person asks for them; nothing that moves work reads this. */
export interface ManifestViews {
  /** The newest first, from below a position down to a day, a page at a time. */
  newest(below: string, oldest: number): AsyncIterable<ListedManifest[]>;
  get(manifestId: string): Promise<Manifest | "damaged" | undefined>;
  /** The manifest that a batch belongs to, if it is one of ours. */
  ownerOf(batchId: string): Promise<string | undefined>;
  /** One page of members; pages count from 1. `undefined` for one that cannot be read. */
  page(manifestId: string, page: number): Promise<Member[] | undefined>;
  /** Lines of its results that were set aside, as far as one call counts. */
  quarantined(manifestId: string): Promise<number>;
}

const dayMs = 24 * 3_600_000;
const maxQuarantinedCounted = 100;

export function manifestViews(table: Table): ManifestViews {
  return {
    newest: (below, oldest) => newest(table, below, oldest),
    async get(manifestId) {
      const item = await table.get(headKey(manifestId));
      return item === undefined ? undefined : (readOrNone(() => toManifest(item)) ?? "damaged");
    },
    async ownerOf(batchId) {
      const owner = (await table.get(ownerKey(batchId)))?.["manifestId"];
      return typeof owner === "string" ? owner : undefined;
    },
    async page(manifestId, page) {
      const item = await table.get(pageKey(manifestId, page));
      if (item === undefined) return [];
      return readOrNone(() => toMembers(item));
    },
    async quarantined(manifestId) {
      const { pk } = headKey(manifestId);
      const { items } = await table.query({ pk, prefix: quarantinePrefix, limit: maxQuarantinedCounted });
      return items.length;
    },
  };
}

/** The list has a partition a day, so that none of them grows with the years. */
async function* newest(table: Table, below: string, oldest: number): AsyncGenerator<ListedManifest[]> {
  for (let day = Date.parse(below.slice(0, 10)); day >= oldest; day -= dayMs) {
    const { pk } = listKey({ createdAt: day, manifestId: "" });
    // Every entry of an earlier day is below it as well.
    let after: Key | undefined = { pk, sk: below };
    do {
      const page = await table.query({ pk, after, newestFirst: true, limit: maxPageSize });
      const positions = page.items.map(({ sk }) => sk);
      if (positions.length > 0) yield await withHeads(table, positions);
      after = page.next;
    } while (after !== undefined);
  }
}

async function withHeads(table: Table, positions: readonly string[]): Promise<ListedManifest[]> {
  const listed = positions.map((position) => ({ position, manifestId: position.split("#")[1] ?? "" }));
  const heads = await table.getMany(listed.map(({ manifestId }) => headKey(manifestId)));
  const byKey = new Map(heads.map((item) => [item.pk, item]));
  return listed.map((one) => {
    const head = byKey.get(headKey(one.manifestId).pk);
    const manifest = head === undefined ? undefined : readOrNone(() => toManifest(head));
    return manifest === undefined ? one : { ...one, manifest };
  });
}

/** One damaged record must not hide what is beside it. */
function readOrNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Where a list begins that is to hold everything up to a time. */
export function listFrom(time: number): string {
  return `${iso(time)}~`;
}
