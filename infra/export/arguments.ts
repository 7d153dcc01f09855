import { parseArgs } from "node:util";
import { type ApiAccess, readAccess } from "../api-access.ts";

export interface ExportSettings extends ApiAccess {
  /** Sessions that were accepted from `from` on and before `to`, as the API reads both. */
  from: string;
  to: string;
  agent?: string;
  /** A file; standard output without it. */
  out?: string;
}

export type ParsedArguments = { ok: true; settings: ExportSettings } | { ok: false; problem: string };

export const usage = `usage: npm run --silent export -- --from 2026-11-01 --to 2026-11-20 [--agent worker] [--out FILE]
Days are those of UTC, or times such as 2026-11-01T06:00:00Z; --to is not included.
OFFPEAK_URL is the API (http://127.0.0.1:8787), OFFPEAK_TOKEN a token with the scope read (that of .offpeak, for this machine).`;

/** @param now what is accepted later than this is no part of an export without --to */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv, now: Date): ParsedArguments {
  const parsed = readAccess(env);
  if (!parsed.ok) return parsed;
  try {
    const text = { type: "string" } as const;
    const { values } = parseArgs({ args: [...args], options: { from: text, to: text, agent: text, out: text } });
    const { from, to = now.toISOString(), agent, out } = values;
    if (from === undefined) return { ok: false, problem: "--from: is required" };
    const more = { ...(agent === undefined ? {} : { agent }), ...(out === undefined ? {} : { out }) };
    return { ok: true, settings: { ...parsed.access, from, to, ...more } };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}
