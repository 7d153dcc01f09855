import { nameOf } from "../domain/errors.ts";
import type { Log } from "../domain/log.ts";
import type { Departures } from "../store/departures.ts";

/**
 * After a session left its manifest without an answer from there. Losing this costs the price of a batch that nobody
 * waits for, and never an answer: so it fails nobody.
 */
export async function noteDeparture(
  manifestId: string | undefined,
  { departures, log }: { departures: Departures; log: Log },
): Promise<void> {
  if (manifestId === undefined) return;
  try {
    await departures.note(manifestId);
  } catch (error) {
    log("departure_lost", { manifestId, error: nameOf(error) });
  }
}
