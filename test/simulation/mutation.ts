import type { Clause, Item, Table, Write } from "../../functions/clients/table.ts";

/** A condition of one conditional write, named by what it guards: `update META → submitted: status`. */
export type ClauseName = string;

/** Notes every clause the code writes, or writes without the one that is named. */
export function withoutClause(table: Table, options: { drop?: ClauseName; seen?: Map<ClauseName, number> }): Table {
  const { drop, seen } = options;
  const keep = (what: string, when: readonly Clause[]): Clause[] =>
    when.filter((clause) => {
      const name = `${what}: ${clause.attribute}`;
      seen?.set(name, (seen.get(name) ?? 0) + 1);
      return name !== drop;
    });
  const mutated = (write: Write): Write => {
    if ("put" in write)
      return { put: { item: write.put.item, when: keep(`put ${kind(write.put.item)}`, write.put.when) } };
    if ("remove" in write)
      return { remove: { key: write.remove.key, when: keep(`remove ${kind(write.remove.key)}`, write.remove.when) } };
    return { update: { ...write.update, when: keep(describe(write.update), write.update.when) } };
  };
  return {
    ...table,
    insert: (item) => table.put({ item, when: keep(`insert ${kind(item)}`, [{ attribute: "pk", is: "absent" }]) }),
    put: (write) => table.put({ item: write.item, when: keep(`put ${kind(write.item)}`, write.when) }),
    update: (change) => table.update({ ...change, when: keep(describe(change), change.when) }),
    transact: (writes) => table.transact(writes.map(mutated)),
  };
}

function describe({
  key,
  set = {},
  when,
}: {
  key: { pk: string; sk: string };
  set?: Record<string, unknown>;
  when: readonly Clause[];
}): string {
  const from = when.find((clause) => clause.attribute === "status" || clause.attribute === "state");
  const origins = from?.is === "oneOf" ? from.values.join("|") : "";
  const to = set["status"] ?? set["state"] ?? (set["delivered"] === true ? "delivered" : "note");
  return `update ${kind(key)} ${origins} → ${JSON.stringify(to)}`;
}

function kind({ pk, sk }: Pick<Item, "pk" | "sk">): string {
  return pk === "LEASE" || pk === "OPEN" ? pk : (sk.split("#")[0] ?? sk);
}
