import type { HttpContext } from "../clients/http.ts";
import { RequestError } from "../domain/errors.ts";
import { maxLabelCharacters } from "../domain/limits.ts";

/**
 * The id of an agent, or a label. None is longer than this, and the table has no key that is.
 * @throws RequestError 400 naming the parameter
 */
export function checkName(text: string | undefined, param: string): void {
  if (text === undefined || text.length <= maxLabelCharacters) return;
  throw new RequestError(400, `${param}: must have at most ${maxLabelCharacters} characters`, { param });
}

/**
 * The parameters of a query, of which only these are known.
 * @throws RequestError 400 naming the first that is not
 */
export function readParameters<const Name extends string>(
  c: HttpContext,
  names: readonly Name[],
): { [K in Name]?: string } {
  const query: Record<string, string> = c.req.query();
  const known: ReadonlySet<string> = new Set(names);
  const unknown = Object.keys(query).find((name) => !known.has(name));
  if (unknown !== undefined) throw new RequestError(400, `${unknown}: unknown parameter`, { param: unknown });
  const found: { [K in Name]?: string } = {};
  for (const name of names) {
    const value = query[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
