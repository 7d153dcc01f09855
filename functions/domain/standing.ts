import type { TerminalStatus } from "./session.ts";

/** How a turn ended: `source` is the one whose answer counts, if any does; `paused` goes on in a next turn. */
export interface TurnEnd {
  status: TerminalStatus | "paused";
  source?: string;
}

/** What an answer is to its session. All but `winner` are paid for nothing. */
export type Standing = "winner" | "duplicate" | "late" | "after-cancel";

/** Of what did not succeed nobody asks, and of a turn that has not ended nobody knows yet. */
export function standingOf(
  { type, source }: { type: string; source: string },
  end: TurnEnd | undefined,
): Standing | undefined {
  if (type !== "succeeded" || end === undefined) return undefined;
  if (end.source === source) return "winner";
  if (end.source !== undefined) return "duplicate";
  return end.status === "canceled" ? "after-cancel" : "late";
}
