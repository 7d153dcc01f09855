import * as v from "valibot";
import type { Table } from "../clients/table.ts";
import type { NewId } from "../domain/clock.ts";
import { itemVersion, readItem } from "./versions.ts";

/** Manifests that a session left without an answer from there: each may have nobody left who waits for it. */
export interface Departures {
  note(manifestId: string): Promise<void>;
  /** The oldest manifests first, read strongly. */
  list(limit: number): Promise<Departure[]>;
  /** Unless somebody else has left the same manifest since. */
  forget(departure: Departure): Promise<void>;
}

const schema = v.object({
  /** The manifest. */
  sk: v.string(),
  /** New with each departure. */
  mark: v.string(),
});

export interface Departure {
  manifestId: string;
  mark: string;
}

const keyOf = (manifestId: string) => ({ pk: "LEFT", sk: manifestId });

export function departureStore(table: Table, newId: NewId): Departures {
  return {
    async note(manifestId) {
      await table.put({ item: { ...keyOf(manifestId), v: itemVersion, mark: newId() }, when: [] });
    },
    async list(limit) {
      const { items } = await table.query({ pk: "LEFT", limit });
      return items.map((item) => {
        const { sk, mark } = readItem(schema, item, `LEFT ${item.sk}`);
        return { manifestId: sk, mark };
      });
    },
    async forget({ manifestId, mark }) {
      const key = keyOf(manifestId);
      await table.transact([{ remove: { key, when: [{ attribute: "mark", is: "equal", value: mark }] } }]);
    },
  };
}
