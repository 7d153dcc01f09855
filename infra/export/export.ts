import * as v from "valibot";
import type { Read } from "./api.ts";
import type { ExportSettings } from "./arguments.ts";

export interface ExportDeps {
  read: Read;
  /** Resolves once there is room for more. */
  write(line: string): Promise<void>;
  say(line: string): void;
}

const pageSchema = v.object({
  sessions: v.array(v.object({ sessionId: v.string() })),
  cursor: v.optional(v.string()),
});
const sessionSchema = v.looseObject({ sessionId: v.string() });
const historySchema = v.object({ messages: v.array(v.unknown()) });

const sessionsPerPage = 100;
/** Reads under way at once; a page and so many sessions are all that is ever held. */
const atOnce = 4;

/**
 * Writes each session as a line of JSON, the newest first: what `GET /api/sessions/{id}` says of it, and its `messages`.
 * A session that goes while this runs is left out. @returns how many lines
 */
export async function exportSessions(settings: ExportSettings, deps: ExportDeps): Promise<number> {
  let lines = 0;
  let cursor: string | undefined;
  do {
    const page = v.parse(pageSchema, await deps.read(listPath(settings, cursor)));
    for (let start = 0; start < page.sessions.length; start += atOnce) {
      const some = page.sessions.slice(start, start + atOnce);
      for (const line of await Promise.all(some.map(({ sessionId }) => lineOf(sessionId, deps.read)))) {
        if (line === undefined) continue;
        await deps.write(line);
        lines += 1;
      }
    }
    if (page.sessions.length > 0) deps.say(`${lines} sessions`);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return lines;
}

function listPath({ from, to, agent }: ExportSettings, cursor: string | undefined): string {
  const query = new URLSearchParams({ from, to, limit: String(sessionsPerPage) });
  if (agent !== undefined) query.set("agentId", agent);
  if (cursor !== undefined) query.set("cursor", cursor);
  return `/api/sessions?${query.toString()}`;
}

async function lineOf(sessionId: string, read: Read): Promise<string | undefined> {
  const [session, history] = await Promise.all([
    read(`/api/sessions/${sessionId}`),
    read(`/api/sessions/${sessionId}/history`),
  ]);
  if (session === undefined || history === undefined) return undefined;
  const { messages } = v.parse(historySchema, history);
  return `${JSON.stringify({ ...v.parse(sessionSchema, session), messages })}\n`;
}
