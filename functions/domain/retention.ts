import { lastEndDays, lastSendDays, manifestListDays, retentionGraceDays } from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import type { Session } from "./session.ts";

/**
 * How long things are kept. A session and all that is beside it go on one day, fixed at acceptance, so that a later
 * configuration changes nothing and no write is made for it. `expiresAt` is in seconds, as the table wants it.
 */
const daySeconds = 24 * 3600;
const dayMs = daySeconds * 1000;

/** An item as it lies in the table, or what was made of one. */
type Kept = { expiresAt?: number | undefined } | Readonly<Record<string, unknown>>;
type Expiring = { expiresAt?: number | undefined };

/** Messages are taken for `retentionDays`; what was accepted on the last of them has time to end, and to be read. */
export function expiryOf(createdAt: number, retentionDays: number): number {
  return Math.ceil(createdAt / 1000) + (retentionDays + retentionGraceDays) * daySeconds;
}

/** The table removes what has expired when it gets to it, days later maybe: until then, nobody looks at it. */
export function isExpired(kept: Kept, now: number): boolean {
  const { expiresAt } = kept;
  return typeof expiresAt === "number" && expiresAt * 1000 <= now;
}

/** Until when the user may speak again; undefined for a session that is kept for good. */
export function takesMessagesUntil({ expiresAt }: Expiring): number | undefined {
  return expiresAt === undefined ? undefined : expiresAt * 1000 - retentionGraceDays * dayMs;
}

/** Until when it is sent: a batch lives a day, and its results must still find the session. */
export function sentUntil({ expiresAt }: Expiring): number | undefined {
  return expiresAt === undefined ? undefined : expiresAt * 1000 - lastSendDays * dayMs;
}

/** By when its turn has ended, whatever became of it. */
export function endsBy({ expiresAt }: Expiring): number | undefined {
  return expiresAt === undefined ? undefined : expiresAt * 1000 - lastEndDays * dayMs;
}

/** What is said of a turn that nobody could send, or hear of, in all that time. */
export const retentionError = { type: "retention", message: "not done in all the time that a session is kept" };

/** When the first and the last of some sessions go: what their manifest has to know of them. */
export function expiriesOf(sessions: readonly Session[]): Pick<Manifest, "firstExpiry" | "lastExpiry"> {
  const expiries = sessions.flatMap(({ expiresAt }) => expiresAt ?? []);
  return expiries.length === 0 ? {} : { firstExpiry: Math.min(...expiries), lastExpiry: Math.max(...expiries) };
}

/** A manifest, once it is no longer open: as long as anybody may ask what became of its members, and 35 days at least. */
export function manifestExpiry({ lastExpiry = 0 }: Pick<Manifest, "lastExpiry">, now: number): number {
  return Math.max(lastExpiry, daysLater(now, manifestListDays));
}

/** For what is kept for so many days, whoever it is of. */
export function daysLater(now: number, days: number): number {
  return Math.ceil(now / 1000) + days * daySeconds;
}
