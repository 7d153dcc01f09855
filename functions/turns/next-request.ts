import { maxTakenTurns } from "../domain/limits.ts";
import type { RequestEntry, Turns } from "../store/turns.ts";

/**
 * Writes a request down under the first free number. What others left there who died, or who lost a race, is of no turn and
 * stays; a repeat finds its own, by `isThere`.
 * @returns the number it has
 */
export async function insertNext(
  entry: Omit<RequestEntry, "turn">,
  { after, isThere }: { after: number; isThere: (there: RequestEntry) => boolean },
  turns: Turns,
): Promise<number> {
  for (let turn = after + 1; turn <= after + maxTakenTurns; turn += 1) {
    const written = await turns.insertRequest({ ...entry, turn });
    if (written.inserted) return turn;
    const there = await turns.getRequest(entry.sessionId, turn);
    if (there !== undefined && isThere(there)) return turn;
  }
  throw new Error(`session ${entry.sessionId}: no number is free after turn ${after}`);
}
