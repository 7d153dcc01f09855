import { isTerminal, type Session } from "./session.ts";
import type { TurnEnd } from "./standing.ts";
import type { TurnRequest } from "./turn-request.ts";

/** A turn of a session, its request, and how it ended, if it has. */
export interface ChainedTurn {
  turn: number;
  request: TurnRequest;
  end: (TurnEnd & { stopReason?: string }) | undefined;
}

/**
 * The turns of a session, the first first: each request names the one it follows, beginning at the session's own. A request
 * that nobody follows and that is not the session's is of no turn: whoever wrote it died, or another was quicker.
 */
export function chainOf(session: Session, requests: ReadonlyMap<number, TurnRequest>): ChainedTurn[] {
  const chain: ChainedTurn[] = [];
  let end = endOf(session);
  for (let turn: number | undefined = session.turn; turn !== undefined; ) {
    const request = requests.get(turn);
    if (request === undefined) break;
    chain.unshift({ turn, request, end });
    end = request.previous;
    turn = request.previous?.turn;
  }
  return chain;
}

/** How the current turn ended, as the request of the next keeps it. */
export function endOf({ status, winner, stopReason }: Session): ChainedTurn["end"] {
  if (!isTerminal(status)) return undefined;
  return {
    status,
    ...(winner === undefined ? {} : { source: winner }),
    ...(stopReason === undefined ? {} : { stopReason }),
  };
}

/** What is sent again of a turn; `source` where its answer is. */
export interface Replayed {
  turn: number;
  request: TurnRequest;
  source?: string;
}

/**
 * What of the turns so far is sent with the last one. A message and the pauses it led to stand or fall together: with an
 * answer all of it is sent; without one the message alone, since half an answer, or one that asks for a tool, is refused by
 * the API; and nothing of what the model declined, which it would decline again. It rests on what never changes, so that each
 * later turn begins as the one before it.
 */
export function replayOf(chain: readonly ChainedTurn[]): Replayed[] {
  const tasks: ChainedTurn[][] = [];
  for (const one of chain) {
    if (one.request.message === null) tasks.at(-1)?.push(one);
    else tasks.push([one]);
  }
  return tasks.flatMap((task, index) => {
    const end = task.at(-1)?.end;
    if (index === tasks.length - 1 || end?.status === "done") return task.map(withAnswer);
    if (end?.stopReason === "refusal") return [];
    return task.slice(0, 1).map(({ turn, request }) => ({ turn, request }));
  });
}

function withAnswer({ turn, request, end }: ChainedTurn): Replayed {
  return { turn, request, ...(end?.source === undefined ? {} : { source: end.source }) };
}
