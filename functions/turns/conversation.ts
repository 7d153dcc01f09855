import { CorruptRecordError } from "../domain/errors.ts";
import { turnName } from "../domain/ids.ts";
import { contentOf, rawContentOf } from "../domain/outcome.ts";
import type { Session } from "../domain/session.ts";
import { chainOf, type Replayed, replayOf } from "../domain/turn-chain.ts";
import type { Conversation, EarlierAnswer, TurnRequest } from "../domain/turn-request.ts";
import type { RequestEntry, Turns } from "../store/turns.ts";

/** Requests that were read already, by `<sessionId>.<turn>`. */
export type KnownRequests = ReadonlyMap<string, RequestEntry>;

/**
 * All that is sent for a session's current turn: its requests so far and the answers they build on.
 * @throws CorruptRecordError when something of it is missing
 */
export async function loadConversation(
  session: Session,
  turns: Turns,
  known: KnownRequests = new Map(),
): Promise<Conversation> {
  const { sessionId } = session;
  const requests = new Map<number, TurnRequest>();
  for (let turn: number | undefined = session.turn; turn !== undefined; turn = requests.get(turn)?.previous?.turn) {
    const entry = known.get(turnName({ sessionId, turn })) ?? (await turns.getRequest(sessionId, turn));
    if (entry === undefined) throw new CorruptRecordError(`session ${sessionId}`, `request of turn ${turn} is missing`);
    requests.set(turn, entry.request);
  }
  const replayed = replayOf(chainOf(session, requests));
  const answers: Conversation["answers"][number][] = [];
  for (const one of replayed.slice(0, -1)) answers.push(await loadAnswer(sessionId, one, turns));
  return { requests: replayed.map(({ request }) => request), answers };
}

/** An answer without content is none: the API takes no empty message. */
async function loadAnswer(
  sessionId: string,
  { turn, source }: Replayed,
  turns: Turns,
): Promise<EarlierAnswer | undefined> {
  if (source === undefined) return undefined;
  const result = await turns.getResult(sessionId, turn, source);
  const text = result === undefined ? "" : await turns.readBody(result);
  const content = rawContentOf(text);
  if (content === undefined) throw new CorruptRecordError(`session ${sessionId}`, `answer of turn ${turn} is missing`);
  return contentOf(text)?.length === 0 ? undefined : { content };
}
