import { CorruptRecordError } from "../domain/errors.ts";
import { rawContentOf } from "../domain/outcome.ts";
import type { Session } from "../domain/session.ts";
import type { Conversation, EarlierAnswer, TurnRequest } from "../domain/turn-request.ts";
import type { Turns } from "../store/turns.ts";

/**
 * All that is sent for a session's current turn: its requests so far and the answers they build on.
 * @throws CorruptRecordError when something of it is missing
 */
export async function loadConversation(session: Session, turns: Turns): Promise<Conversation> {
  const { sessionId, turn } = session;
  const requests: TurnRequest[] = [];
  const answers: EarlierAnswer[] = [];
  for (let number = 1; number <= turn; number += 1) {
    const entry = await turns.getRequest(sessionId, number);
    if (entry === undefined)
      throw new CorruptRecordError(`session ${sessionId}`, `request of turn ${number} is missing`);
    requests.push(entry.request);
    const { previous } = entry.request;
    if (number > 1) answers.push(await loadAnswer(sessionId, number - 1, previous, turns));
  }
  return { requests, answers };
}

async function loadAnswer(
  sessionId: string,
  turn: number,
  source: string | undefined,
  turns: Turns,
): Promise<EarlierAnswer> {
  const result = source === undefined ? undefined : await turns.getResult(sessionId, turn, source);
  const content = result === undefined ? undefined : rawContentOf(await turns.readBody(result));
  if (content === undefined) throw new CorruptRecordError(`session ${sessionId}`, `answer of turn ${turn} is missing`);
  return { content };
}
