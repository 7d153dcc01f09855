import { resolve } from "node:path";

/** What `npm start` reads from its environment. */
export interface LocalSettings {
  port: number;
  /** Undefined when one has to be made up. */
  token: string | undefined;
  home: string;
  configPath: string;
  tickSeconds: number;
  apiKey: string | undefined;
  baseUrl: string | undefined;
  /** How long the stand-in takes over a batch. */
  standInBatchSeconds: { min: number; max: number };
  /** Seconds that are minutes when deployed, and may be shorter on one machine. */
  timing: Record<TimingName, string>;
}

type TimingName =
  | "OFFPEAK_RECONCILE_GRACE_SECONDS"
  | "OFFPEAK_CREATE_TIMEOUT_SECONDS"
  | "OFFPEAK_RETRY_SECONDS"
  | "OFFPEAK_PARK_SECONDS";

const minTokenCharacters = 16;
type Source = Record<string, string | undefined>;

/** @returns the settings, or everything that is wrong with them, a line each */
export function readSettings(
  source: Source,
): { ok: true; settings: LocalSettings } | { ok: false; problems: string[] } {
  const problems: string[] = [];
  const text = (name: string) => (source[name] === "" ? undefined : source[name]);
  const number = (name: string, fallback: string, most: number): number => {
    const value = Number(text(name) ?? fallback);
    if (!(value > 0 && value <= most)) problems.push(`${name}: must be a number above 0, at most ${most}`);
    return value;
  };
  const port = Number(text("PORT") ?? "8787");
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    problems.push("PORT: must be an integer from 0 to 65535");
  const token = text("OFFPEAK_TOKEN");
  if (token !== undefined && token.length < minTokenCharacters)
    problems.push(`OFFPEAK_TOKEN: must have ${minTokenCharacters} characters or more`);
  if (token !== undefined && /\s/.test(token)) problems.push("OFFPEAK_TOKEN: must not contain white space");
  const baseUrl = text("ANTHROPIC_BASE_URL");
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? ""))
    problems.push("ANTHROPIC_BASE_URL: must be a URL, as https://api.anthropic.com");
  const batchSeconds = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text("OFFPEAK_STAND_IN_BATCH_SECONDS") ?? "4-8");
  if (batchSeconds === null || Number(batchSeconds[1]) > Number(batchSeconds[2]))
    problems.push("OFFPEAK_STAND_IN_BATCH_SECONDS: must be a range, as 4-8");
  const settings: LocalSettings = {
    port,
    token,
    home: resolve(text("OFFPEAK_HOME") ?? ".offpeak"),
    configPath: resolve(text("OFFPEAK_CONFIG") ?? "offpeak.json"),
    tickSeconds: number("OFFPEAK_TICK_SECONDS", "2", 3600),
    apiKey: text("ANTHROPIC_API_KEY"),
    baseUrl,
    standInBatchSeconds: { min: Number(batchSeconds?.[1] ?? 4), max: Number(batchSeconds?.[2] ?? 8) },
    timing: {
      OFFPEAK_RECONCILE_GRACE_SECONDS: String(number("OFFPEAK_RECONCILE_GRACE_SECONDS", "600", 86_400)),
      OFFPEAK_CREATE_TIMEOUT_SECONDS: String(number("OFFPEAK_CREATE_TIMEOUT_SECONDS", "300", 800)),
      OFFPEAK_RETRY_SECONDS: String(number("OFFPEAK_RETRY_SECONDS", "30", 3600)),
      OFFPEAK_PARK_SECONDS: String(number("OFFPEAK_PARK_SECONDS", "300", 3600)),
    },
  };
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems };
}
