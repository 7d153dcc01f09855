import { setTimeout as pause } from "node:timers/promises";
import { call, type Json } from "../flow/support.ts";
import { say } from "./place.ts";

/** The longest of the waits is for two ticks of a minute each: one sends a batch, the next reads it. */
export const boundMs = 240_000;
const lookEveryMs = 2_000;
const ends = ["done", "failed", "canceled", "timeout"];

/** Waits for a condition, and says what it waits for. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + boundMs;
  for (let looks = 0; ; looks += 1) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`waited ${boundMs} ms for ${what} in vain`);
    if (looks % 10 === 0) say(`waits for ${what}`);
    await pause(lookEveryMs);
  }
}

/** Somebody who has the address of the API and its token. */
export function userOf(url: string, token: string) {
  const ask = (path: string, init: Parameters<typeof call>[2] = {}) =>
    call(url, path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  return {
    ask,
    async spawn(body: object, headers: Record<string, string> = {}): Promise<Json> {
      const answer = await ask("/api/sessions/spawn", { body, headers });
      if (answer.status !== 202) throw new Error(`spawn answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    delivered: (what: string, sessionId: string): Promise<Json> =>
      until(what, async () => {
        const { body } = await ask(`/api/sessions/${sessionId}`);
        return ends.includes(body.status) && body.delivery.status === "delivered" ? body : undefined;
      }),
    list: async (query: string): Promise<Json[]> => (await ask(`/api/sessions?${query}`)).body.sessions,
    history: async (sessionId: string): Promise<Json[]> =>
      (await ask(`/api/sessions/${sessionId}/history`)).body.messages,
  };
}
export type User = ReturnType<typeof userOf>;
