/**
 * The table as the store sees it. A condition is data, not text, so that an in-memory table can keep the same promises
 * in a simulation, and a test can take one clause away and show what breaks.
 */

export interface Key {
  pk: string;
  sk: string;
}
export type Item = Key & Record<string, unknown>;
type Scalar = string | number | boolean;

/** One clause of a condition. All clauses of a write must hold. */
export type Clause =
  | { attribute: string; is: "absent" }
  | { attribute: string; is: "present" }
  | { attribute: string; is: "equal"; value: Scalar }
  | { attribute: string; is: "oneOf"; values: readonly Scalar[] }
  | { attribute: string; is: "atMost"; value: number };

export interface Put {
  item: Item;
  when: readonly Clause[];
}

export interface Change {
  key: Key;
  set?: Record<string, unknown>;
  /** Added to a number; an absent one counts as 0. */
  add?: Record<string, number>;
  remove?: readonly string[];
  when: readonly Clause[];
}

export type Write = { put: Put } | { update: Change } | { remove: { key: Key; when: readonly Clause[] } };

/** Refused carries what is there instead, if anything is; a failure is an exception. */
export type Found = { moved: true; item: Item } | { moved: false; current?: Item };

export interface Query {
  pk: string;
  prefix?: string;
  after?: Key;
  limit?: number;
  newestFirst?: boolean;
}

export interface IndexQuery {
  index: string;
  partition: { attribute: string; value: string };
  /** The sort attribute of the index, and a bound on it. */
  sort: string;
  upTo?: number;
  below?: string;
  /** Where the page before ended: its `next`, which names the item in the index as well. */
  after?: Item;
  limit: number;
  newestFirst?: boolean;
}

export interface Page {
  items: Item[];
  /** Where the next page begins, if this one ended early. */
  next?: Item;
}

export interface Table {
  /** Strongly consistent. */
  get(key: Key): Promise<Item | undefined>;
  /** Strongly consistent, in no order; what is absent is left out. */
  getMany(keys: readonly Key[]): Promise<Item[]>;
  /** Refused when the key exists. */
  insert(item: Item): Promise<Found>;
  put(write: Put): Promise<Found>;
  update(change: Change): Promise<Found>;
  /** All or nothing; `false` when a condition does not hold. */
  transact(writes: readonly Write[]): Promise<boolean>;
  /** Strongly consistent, by sort key. */
  query(query: Query): Promise<Page>;
  /** The keys and what the index includes, possibly stale: what it names is read again before anything is decided. */
  queryIndex(query: IndexQuery): Promise<Page>;
}
