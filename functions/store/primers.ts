import * as v from "valibot";
import type { Table } from "../clients/table.ts";
import type { NewId } from "../domain/clock.ts";
import { chunksOf } from "../domain/concurrently.ts";
import { membersPerPage } from "../domain/limits.ts";
import type { Member } from "../domain/manifest.ts";
import { time } from "../domain/parse.ts";
import type { PrimerHint } from "../domain/priming.ts";
import { itemVersion, readableItem, readItem } from "./versions.ts";

/** Who went ahead for a prefix, and who waits for that: hints only. Whoever waits is queued, with a time, and rescue comes by. */
export interface Primers {
  find(lane: string, key: string): Promise<PrimerHint | undefined>;
  note(lane: string, key: string, hint: PrimerHint): Promise<void>;
  /** Written before they are held, so that who is held is always there. @param until the `notBefore` they get */
  addWaiting(hint: PrimerHint, members: readonly Member[], until: number): Promise<void>;
  waiting(manifestId: string): AsyncIterable<{ members: Member[]; until: number }>;
}

/** Longer than anybody waits. */
const keptSeconds = 2 * 24 * 3600;
const hintSchema = v.object({ manifestId: v.string(), at: time });
const pageSchema = v.object({
  members: v.array(v.strictObject({ sessionId: v.string(), turn: v.number() })),
  until: time,
});

const hintKey = (lane: string, key: string) => ({ pk: `PRIMER#${lane}#${key}`, sk: "HINT" });
const expiresAt = ({ at }: PrimerHint) => Math.ceil(at / 1000) + keptSeconds;

export function primerStore(table: Table, newId: NewId): Primers {
  return {
    async find(lane, key) {
      const item = await table.get(hintKey(lane, key));
      return item === undefined ? undefined : readItem(hintSchema, item, item.pk);
    },
    async note(lane, key, hint) {
      await table.put({
        item: { ...hintKey(lane, key), v: itemVersion, ...hint, expiresAt: expiresAt(hint) },
        when: [],
      });
    },
    async addWaiting(hint, members, until) {
      for (const page of chunksOf(members, membersPerPage)) {
        const item = { pk: `PRIMER#${hint.manifestId}`, sk: `WAIT#${newId()}`, v: itemVersion, members: page, until };
        await table.put({ item: { ...item, expiresAt: expiresAt(hint) }, when: [] });
      }
    },
    async *waiting(manifestId) {
      let after: { pk: string; sk: string } | undefined;
      do {
        const from = after === undefined ? {} : { after };
        const page = await table.query({ pk: `PRIMER#${manifestId}`, prefix: "WAIT#", limit: 5, ...from });
        // Who is on a page that cannot be read goes when the wait is over.
        for (const item of page.items) {
          const read = readableItem(pageSchema, item);
          if (read !== undefined) yield read;
        }
        after = page.next;
      } while (after !== undefined);
    },
  };
}
