import type { Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { itemVersion } from "./versions.ts";

/**
 * Leases only save work: two holders at once change nothing, since every write that matters is conditional. All of them
 * lie in one partition, so that a machine that knows the holder is dead can end them.
 */
export interface Leases {
  /** Runs `work` unless somebody else holds the lease; `false` when it did not run. `seconds` cover the longest step. */
  hold(name: string, seconds: number, work: (renew: Renew) => Promise<void>): Promise<boolean>;
}

/** Called between the steps of long work: holds the lease for as long again. */
export type Renew = () => Promise<void>;

export function leaseStore(table: Table, clock: Clock, owner: () => string): Leases {
  return {
    async hold(name, seconds, work) {
      const me = owner();
      const key = { pk: "LEASE", sk: name };
      if (!(await take(table, key, me, clock.now(), seconds))) return false;
      try {
        await work(renewal({ table, key, owner: me, clock, seconds }));
      } finally {
        await table.update({ key, set: { until: 0 }, when: [{ attribute: "owner", is: "equal", value: me }] });
      }
      return true;
    },
  };
}

/** Writes only when a third of the lease is over. */
function renewal(lease: {
  table: Table;
  key: { pk: string; sk: string };
  owner: string;
  clock: Clock;
  seconds: number;
}): Renew {
  const { table, key, owner, clock, seconds } = lease;
  let renewedAt = clock.now();
  return async () => {
    const now = clock.now();
    if (now - renewedAt < (seconds * 1000) / 3) return;
    renewedAt = now;
    await table.update({
      key,
      set: { until: now + seconds * 1000 },
      when: [{ attribute: "owner", is: "equal", value: owner }],
    });
  };
}

async function take(
  table: Table,
  key: { pk: string; sk: string },
  owner: string,
  now: number,
  seconds: number,
): Promise<boolean> {
  const until = now + seconds * 1000;
  const isOver = await table.update({
    key,
    set: { owner, until },
    when: [{ attribute: "until", is: "atMost", value: now }],
  });
  if (isOver.moved || isOver.current?.["owner"] === owner) return true;
  if (isOver.current !== undefined) return false;
  const first = await table.insert({ ...key, v: itemVersion, owner, until });
  return first.moved || first.current?.["owner"] === owner;
}
