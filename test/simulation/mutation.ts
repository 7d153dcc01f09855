import type { Clause, Item, Key, Table, Write } from "../../functions/clients/table.ts";
import { manifestMoves } from "../../functions/domain/manifest.ts";
import { type Move, moves, type Note, notes, type Session } from "../../functions/domain/session.ts";
import { clausesFor } from "../../functions/store/session-items.ts";
import { holds } from "../support/memory-table.ts";

/** A condition of one conditional write, named by the write and what it guards: `finish session: turn`. */
export type ClauseName = string;

export interface Mutation {
  /** The clause that is taken away. */
  drop?: ClauseName;
  /** Told of each clause that is written. */
  onClause?: (name: ClauseName) => void;
  /** Told of each clause that alone refused a write: without it, this run would have gone on in another way. */
  onDecision?: (name: ClauseName) => void;
}

const absent: Clause[] = [{ attribute: "pk", is: "absent" }];
const nameOf = (what: string, { attribute }: Clause): ClauseName => `${what}: ${attribute}`;

/** A table that takes a clause away from every write, and tells what each clause is there for. */
export function mutated(table: Table, { drop, onClause, onDecision }: Mutation): Table {
  const keep = (write: Write): Write => {
    const { what, when } = namesOf(write);
    for (const clause of when) onClause?.(nameOf(what, clause));
    return withClauses(
      write,
      when.filter((clause) => nameOf(what, clause) !== drop),
    );
  };
  const watch = async (writes: readonly Write[]): Promise<void> => {
    if (onDecision === undefined) return;
    const current = await Promise.all(writes.map((write) => table.get(keyOf(write))));
    const refusing = writes.flatMap((write, index) => refusingClauses(write, current[index]));
    const [only] = refusing;
    if (only !== undefined && refusing.length === 1) onDecision(only);
  };
  return {
    ...table,
    async insert(item) {
      const put = { item, when: absent };
      await watch([{ put }]);
      return table.put(putOf(keep({ put })));
    },
    async put(put) {
      await watch([{ put }]);
      return table.put(putOf(keep({ put })));
    },
    async update(update) {
      await watch([{ update }]);
      const kept = keep({ update });
      return table.update("update" in kept ? kept.update : update);
    },
    async transact(writes) {
      await watch(writes);
      return table.transact(writes.map(keep));
    },
  };
}

/** Whether this write has the clause, and whether just now that alone would refuse it. */
export function isDecisive(target: ClauseName, write: Write, current: Item | undefined): "absent" | "no" | "yes" {
  const { what, when } = namesOf(write);
  if (!when.some((clause) => nameOf(what, clause) === target)) return "absent";
  const refusing = refusingClauses(write, current);
  return refusing.length === 1 && refusing[0] === target ? "yes" : "no";
}

/** Every condition of a session's moves and notes. */
export const sessionClauses: readonly ClauseName[] = Object.entries({ ...moves, ...notes }).flatMap(
  ([name, row]: [string, Note]) => clausesFor(row, {} as Session, 0).map((clause) => nameOf(`${name} session`, clause)),
);

function refusingClauses(write: Write, current: Item | undefined): ClauseName[] {
  const { what, when } = namesOf(write);
  return when.filter((clause) => !holds(current, [clause])).map((clause) => nameOf(what, clause));
}

export function keyOf(write: Write): Key {
  if ("put" in write) return write.put.item;
  return "update" in write ? write.update.key : write.remove.key;
}

function putOf(write: Write) {
  if (!("put" in write)) throw new Error("not a put");
  return write.put;
}

function withClauses(write: Write, when: Clause[]): Write {
  if ("put" in write) return { put: { ...write.put, when } };
  return "update" in write ? { update: { ...write.update, when } } : { remove: { ...write.remove, when } };
}

function namesOf(write: Write): { what: string; when: readonly Clause[] } {
  if ("put" in write) return { what: `put ${kind(write.put.item)}`, when: write.put.when };
  if ("remove" in write) return { what: `remove ${kind(write.remove.key)}`, when: write.remove.when };
  const { key, set = {}, when } = write.update;
  if (key.sk === "META") return { what: `${sessionRow(when, set["status"])} session`, when };
  if (key.sk === "HEAD") return { what: `${manifestRow(when, set["state"])} manifest`, when };
  return { what: `update ${kind(key)}`, when };
}

/** Which row of the tables of moves and notes a write was made from: by what it holds, and where it leads. */
function sessionRow(when: readonly Clause[], to: unknown): string {
  const rows: [string, Note & { to?: Move["to"] }][] = Object.entries({ ...moves, ...notes });
  const found = rows.filter(([, row]) => {
    const leadsThere = to === undefined ? row.to === undefined : row.to?.some((status) => status === to) === true;
    const clauses = clausesFor(row, {} as Session, 0);
    return (
      leadsThere && clauses.length === when.length && clauses.every((clause) => when.some((one) => isLike(one, clause)))
    );
  });
  return onlyName(found, `a session's move to ${String(to)}`);
}

function manifestRow(when: readonly Clause[], to: unknown): string {
  const found = Object.entries(manifestMoves).filter(([, row]) => {
    const clause = { attribute: "state", is: "oneOf", values: row.from } as const;
    return row.to === to && when.every((one) => isLike(one, clause));
  });
  return onlyName(found, `a manifest's move to ${String(to)}`);
}

function isLike(one: Clause, other: Clause): boolean {
  if (one.attribute !== other.attribute) return false;
  return one.is !== "oneOf" || (other.is === "oneOf" && one.values.join() === other.values.join());
}

function onlyName(found: readonly [string, unknown][], what: string): string {
  const [row] = found;
  if (row === undefined || found.length > 1) throw new Error(`${what}: of ${found.length} rows`);
  return row[0];
}

function kind({ pk, sk }: Pick<Item, "pk" | "sk">): string {
  return ["LEASE", "OPEN", "LEFT", "UNSUMMED"].includes(pk) ? pk : (sk.split("#")[0] ?? sk);
}
