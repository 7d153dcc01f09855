import type { Config } from "../domain/config/index.ts";
import { bookingOf } from "../domain/ledger.ts";
import type { Session } from "../domain/session.ts";
import type { ResultEntry, Turns } from "../store/turns.ts";

/** Writes a result down, which books it: whatever it costs is on the same item, so that neither is there without the other. */
export async function writeResult(
  session: Session,
  entry: ResultEntry,
  { turns, config }: { turns: Turns; config: Config },
): Promise<void> {
  await turns.insertResult(entry, entry.billed ? bookingOf(session, entry, config.prices) : undefined);
}
