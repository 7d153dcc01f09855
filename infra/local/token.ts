import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const tokenFile = (home: string) => join(home, "token");

/** The token of an earlier start of this data folder, if one was made up. */
export function keptToken(home: string): string | undefined {
  try {
    return readFileSync(tokenFile(home), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** The given token, else the one made up at the first start: a script that was given it goes on working. */
export function tokenFor(home: string, given: string | undefined): string {
  const token = given ?? keptToken(home) ?? `offpeak-${randomBytes(18).toString("base64url")}`;
  writeFileSync(tokenFile(home), `${token}\n`, { mode: 0o600 });
  return token;
}
