import * as v from "valibot";

/** A read of the API, as often as it takes; `undefined` where it is not there. */
export type Read = (path: string) => Promise<unknown>;

export interface ApiDeps {
  url: URL;
  token: string;
  fetch: typeof fetch;
  sleep(milliseconds: number): Promise<void>;
  say(line: string): void;
}

/** The API says that the request is wrong: sent again it would be as wrong. */
export class RefusedError extends Error {}

/** Over ten minutes in all: a connection that was lost, or a deployment, is over by then. */
const maxTries = 12;
const firstPauseMs = 500;
const longestPauseMs = 120_000;
const requestTimeoutMs = 30_000;

const errorSchema = v.object({ error: v.object({ message: v.string() }) });

/** Reads change nothing, so whatever went wrong on the way, or on the other side, is asked again. */
export function apiReader(deps: ApiDeps): Read {
  return async (path) => {
    for (let tries = 1; ; tries += 1) {
      const answer = await ask(path, deps);
      if (answer.kind === "answer") return answer.body;
      if (tries >= maxTries) throw new Error(`${path}: ${answer.problem}, ${maxTries} times`);
      const pause = Math.max(answer.pauseMs, Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1)));
      deps.say(`${answer.problem}: again in ${Math.ceil(pause / 1000)} s`);
      await deps.sleep(pause);
    }
  };
}

type Answer = { kind: "answer"; body: unknown } | { kind: "again"; problem: string; pauseMs: number };

async function ask(path: string, { url, token, fetch }: ApiDeps): Promise<Answer> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(requestTimeoutMs);
    const response = await fetch(new URL(path, url), { headers, signal });
    if (response.status === 404) return { kind: "answer", body: undefined };
    if (response.status === 429 || response.status >= 500) {
      const pauseMs = Number(response.headers.get("retry-after") ?? 0) * 1000;
      return { kind: "again", problem: `HTTP ${response.status}`, pauseMs: Number.isFinite(pauseMs) ? pauseMs : 0 };
    }
    const body: unknown = await response.json();
    if (response.ok) return { kind: "answer", body };
    throw new RefusedError(v.is(errorSchema, body) ? body.error.message : `HTTP ${response.status}`);
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    return { kind: "again", problem: error instanceof Error ? error.message : String(error), pauseMs: 0 };
  }
}
