import { iso } from "../domain/clock.ts";
import type { Config } from "../domain/config/index.ts";
import { RequestError } from "../domain/errors.ts";
import { defaultPageSize, maxListExamined, maxPageSize } from "../domain/limits.ts";
import { type AgentSet, checkAgent } from "../domain/principal.ts";
import type { Session, Status } from "../domain/session.ts";
import type { ListQuery } from "../store/session-list.ts";
import type { Sessions } from "../store/sessions.ts";

export interface ListInput {
  agentId?: string;
  label?: string;
  status?: Status;
  /** Accepted from then on, and before then: milliseconds since the epoch. */
  from?: number;
  to?: number;
  cursor?: string;
  limit: number;
  /** Those that whoever asks may see. */
  agents: AgentSet;
}

const positionPattern = /^\d{4}-\d\d-\d\dT[\d:.]+Z#[0-9A-Z]{26}$/;

/**
 * The newest sessions first. What no index answers is looked through, up to a bound; a page may therefore be short, or
 * empty, and still have a cursor to go on from.
 */
export async function listPage(
  input: ListInput,
  { sessions, config }: { sessions: Sessions; config: Config },
): Promise<{ sessions: Session[]; cursor?: string }> {
  const { agentId, label, status, limit } = input;
  const by = listsFor(input, config);
  const wanted = (session: Session) =>
    (agentId === undefined || session.agentId === agentId) &&
    (label === undefined || session.label === label) &&
    (status === undefined || session.status === status);
  const page: { session: Session; position: string }[] = [];
  let below = lowest(input.cursor === undefined ? undefined : readCursor(input.cursor), input.to);
  // Positions begin with the time, so that one of `to` itself comes after it.
  const from = input.from === undefined ? "" : iso(input.from);
  for (let examined = 0; examined < maxListExamined; ) {
    const listed = await sessions.list({ by, limit: maxPageSize, ...(below === undefined ? {} : { below }) });
    const found = await sessions.getMany(listed.map(({ sessionId }) => sessionId));
    const byId = new Map(found.sessions.map((session) => [session.sessionId, session]));
    for (const { sessionId, position } of listed) {
      if (position < from) return toPage(page, undefined);
      const session = byId.get(sessionId);
      below = position;
      if (session !== undefined && wanted(session)) page.push({ session, position });
      // One more than was asked for shows that there are more.
      if (page.length > limit) return toPage(page.slice(0, limit), page[limit - 1]?.position);
    }
    examined += listed.length;
    if (listed.length < maxPageSize) return toPage(page, undefined);
  }
  return toPage(page, below);
}

/** Whoever may see only some agents goes by their lists alone: a cursor into any other would name a session of others. */
function listsFor({ agentId, label, agents }: ListInput, config: Config): ListQuery["by"] {
  if (agentId !== undefined) checkAgent(agents, agentId);
  if (label !== undefined && agents === "*") return { label };
  if (agentId !== undefined) return { agentIds: [agentId] };
  return { agentIds: agents === "*" ? config.agents.map(({ id }) => id) : agents };
}

function lowest(cursor: string | undefined, to: number | undefined): string | undefined {
  const end = to === undefined ? undefined : iso(to);
  return cursor === undefined || (end !== undefined && end < cursor) ? end : cursor;
}

function toPage(page: readonly { session: Session }[], position: string | undefined) {
  const sessions = page.map(({ session }) => session);
  return position === undefined ? { sessions } : { sessions, cursor: writeCursor(position) };
}

export function writeCursor(position: string): string {
  return Buffer.from(position).toString("base64url");
}

/** @throws RequestError 400 naming `cursor` */
export function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, "base64url").toString();
  if (!positionPattern.test(position)) throw new RequestError(400, "cursor: is not one of ours", { param: "cursor" });
  return position;
}

/**
 * A day of UTC, or a time.
 * @throws RequestError 400 naming the parameter
 */
export function readTime(text: string, param: string): number {
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  // `2026-02-30` is a time to `Date.parse`, and another day.
  if (Number.isNaN(time) || iso(time).slice(0, 10) !== text.slice(0, 10)) {
    const message = `${param}: must be a day such as 2026-11-21, or a time such as 2026-11-21T06:00:00Z`;
    throw new RequestError(400, message, { param });
  }
  return time;
}

/** @throws RequestError 400 naming `limit` */
export function readLimit(text: string | undefined): number {
  if (text === undefined) return defaultPageSize;
  const limit = Number(text);
  const isRight = /^\d+$/.test(text) && limit >= 1 && limit <= maxPageSize;
  if (!isRight) throw new RequestError(400, `limit: must be an integer from 1 to ${maxPageSize}`, { param: "limit" });
  return limit;
}
