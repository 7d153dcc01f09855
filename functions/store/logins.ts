import type { Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { loginPartition } from "../domain/token.ts";
import { itemVersion } from "./versions.ts";

const windowSeconds = 60;

/** Failed logins, counted by address and minute, so that every copy of the function counts together. */
export interface Logins {
  /** Counts one more and says how many there were in this minute, and how many seconds of it are left. */
  countFailure(address: string): Promise<{ failures: number; secondsLeft: number }>;
}

export function loginStore(table: Table, clock: Clock): Logins {
  return {
    async countFailure(address) {
      const seconds = Math.floor(clock.now() / 1000);
      const minute = Math.floor(seconds / windowSeconds);
      const key = { pk: `${loginPartition}${address}`, sk: String(minute) };
      const expiresAt = (minute + 2) * windowSeconds;
      const found = await table.update({ key, set: { v: itemVersion, expiresAt }, add: { failures: 1 }, when: [] });
      const failures = found.moved ? Number(found.item["failures"]) : 1;
      return { failures, secondsLeft: windowSeconds - (seconds % windowSeconds) };
    },
  };
}
