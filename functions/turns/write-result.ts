import type { Config } from "../domain/config/index.ts";
import { bookingOf } from "../domain/ledger.ts";
import type { Session } from "../domain/session.ts";
import { spendWrites } from "../store/purses.ts";
import type { ResultEntry, Turns } from "../store/turns.ts";

/**
 * Writes a result down, which books it: whatever it costs is on the same item, so that neither is there without the other.
 * Where it is paid from a budget, that is charged in one transaction with it; without a price, by what was reserved for it.
 */
export async function writeResult(
  session: Session,
  entry: ResultEntry,
  { turns, config }: { turns: Turns; config: Config },
): Promise<void> {
  if (!entry.billed) return turns.insertResult(entry);
  const booking = bookingOf(session, entry, config.prices);
  if (session.budget === undefined) return turns.insertResult(entry, booking);
  const { charge } = booking;
  const spent = charge === undefined ? (session.reserved ?? 0) : Number((charge.paid + 999n) / 1_000n);
  await turns.insertResult(entry, booking, spendWrites(session, spent));
}
