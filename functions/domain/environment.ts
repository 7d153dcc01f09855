import { parseJson } from "./parse.ts";

/**
 * The environment of a room is a constant list of names in its `env.ts`, so that the construct that forgets one does not
 * compile, and a function that misses one says which before it does anything.
 */
export type Environment<Names extends readonly string[]> = (name: Names[number]) => string;

/** @throws Error naming every variable that is missing, at once */
export function readEnvironment<const Names extends readonly string[]>(
  names: Names,
  source: Record<string, string | undefined>,
): Environment<Names> {
  const missing = names.filter((name) => (source[name] ?? "") === "");
  if (missing.length > 0) throw new Error(`missing in the environment: ${missing.join(", ")}`);
  return (name) => source[name] ?? "";
}

/** @throws Error naming the variable */
export function positiveNumber(name: string, text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new Error(`${name}: must be a number above 0`);
  return value;
}

/**
 * `{"default": "https://…", "realtime": "https://…"}`: queue URLs by lane.
 * @throws Error naming the variable, and the queue whose URL is none
 */
export function parseQueueUrls(text: string): Map<string, string> {
  const parsed = parseJson(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new Error("OFFPEAK_QUEUE_URLS: must be a JSON object");
  }
  return new Map(
    Object.entries(parsed).map(([queue, url]: [string, unknown]) => {
      if (typeof url !== "string" || !URL.canParse(url)) throw new Error(`OFFPEAK_QUEUE_URLS.${queue}: must be a URL`);
      return [queue, url];
    }),
  );
}
