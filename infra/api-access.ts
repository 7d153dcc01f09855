import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Which system a command speaks to, and with which token. */
export interface ApiAccess {
  url: URL;
  token: string;
}

export type ParsedAccess = { ok: true; access: ApiAccess } | { ok: false; problem: string };

const localUrl = "http://127.0.0.1:8787";

/** `OFFPEAK_URL` and `OFFPEAK_TOKEN`; without them the system on this machine, and the token that `npm start` made up for it. */
export function readAccess({ OFFPEAK_URL, OFFPEAK_TOKEN, OFFPEAK_HOME }: NodeJS.ProcessEnv): ParsedAccess {
  const url = URL.parse(OFFPEAK_URL || localUrl);
  const isLocal = url?.protocol === "http:" && url.hostname === "127.0.0.1";
  if (url === null || !(isLocal || url.protocol === "https:")) {
    return { ok: false, problem: "OFFPEAK_URL: must be an https URL, or one of http://127.0.0.1" };
  }
  // What was made up for this machine is shown to no other.
  const kept = isLocal ? readIfThere(join(OFFPEAK_HOME || ".offpeak", "token")) : undefined;
  const token = OFFPEAK_TOKEN || kept?.trim();
  if (token === undefined) return { ok: false, problem: "OFFPEAK_TOKEN: must be a token of the API" };
  return { ok: true, access: { url, token } };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
