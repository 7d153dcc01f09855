import { invalid } from "./api-error.ts";

export interface PageQuery {
  limit?: string;
  after_id?: string;
  before_id?: string;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  first_id: string | null;
  last_id: string | null;
}

const defaultLimit = 20;
const maxLimit = 1_000;

/**
 * One page of a list that is newest first. `after_id` goes on to older items, `before_id` back to newer ones;
 * `has_more` speaks of the direction taken. `isShown` leaves out what may still serve as a cursor.
 */
export function pageOf<T>(
  items: readonly T[],
  query: PageQuery,
  read: { id(item: T): string; isShown(item: T): boolean },
): Page<T> {
  const limit = parseLimit(query.limit);
  if (query.after_id !== undefined && query.before_id !== undefined) {
    throw invalid("before_id: only one of after_id and before_id may be given");
  }
  const find = (id: string, name: string) => {
    const at = items.findIndex((item) => read.id(item) === id);
    if (at === -1) throw invalid(`${name}: no such object: ${id}`);
    return at;
  };
  const back = query.before_id !== undefined;
  const range = back
    ? items.slice(0, find(query.before_id ?? "", "before_id"))
    : items.slice(query.after_id === undefined ? 0 : find(query.after_id, "after_id") + 1);
  const shown = range.filter((item) => read.isShown(item));
  const data = back ? shown.slice(-limit) : shown.slice(0, limit);
  const [first, last] = [data[0], data.at(-1)];
  return {
    data,
    has_more: shown.length > data.length,
    first_id: first === undefined ? null : read.id(first),
    last_id: last === undefined ? null : read.id(last),
  };
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return defaultLimit;
  const limit = Number(text);
  if (!/^\d+$/.test(text))
    throw invalid("limit: Input should be a valid integer, unable to parse string as an integer");
  if (limit < 1) throw invalid("limit: Input should be greater than or equal to 1");
  if (limit > maxLimit) throw invalid(`limit: Input should be less than or equal to ${maxLimit}`);
  return limit;
}
