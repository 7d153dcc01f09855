import type { Config } from "../domain/config/index.ts";
import { bookingOf } from "../domain/ledger.ts";
import type { Entry } from "../domain/rollup.ts";
import type { Session } from "../domain/session.ts";
import { spendWrites } from "../store/purses.ts";
import type { ResultEntry, Turns } from "../store/turns.ts";

/** A result that was written down: whether it was new, and what it is to the books, where it is billed. */
export interface Written {
  isNew: boolean;
  booked?: Entry;
}

/**
 * Writes a result down, which books it: whatever it costs is on the same item, so that neither is there without the other.
 * Where it is paid from a budget, that is charged in one transaction with it; without a price, by what was reserved for it.
 */
export async function writeResult(
  session: Session,
  result: ResultEntry,
  { turns, config }: { turns: Turns; config: Config },
): Promise<Written> {
  const entry = { ...result, expiresAt: session.expiresAt };
  if (!entry.billed) return { isNew: await turns.insertResult(entry) };
  const booking = bookingOf(session, entry, config.prices);
  const { model, charge, unpriced: _, ...account } = booking;
  const spent = charge === undefined ? (session.reserved ?? 0) : Number((charge.paid + 999n) / 1_000n);
  const writes = session.budget === undefined ? [] : spendWrites(session, spent);
  const isNew = await turns.insertResult(entry, booking, writes);
  return { isNew, booked: { account, model, usage: entry.usage, charge } };
}
