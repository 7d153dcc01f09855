import { definedEntries } from "./dynamodb-expressions.ts";
import type { Change, Clause, Item } from "./table.ts";

/** A write as PartiQL has it: a statement, and a parameter for each of its question marks. */
export interface Statement {
  text: string;
  parameters: unknown[];
}

/** What needs no more than quotes around it. */
const isPlain = (name: string) => /^\w+$/.test(name);

/** An `INSERT` is refused where the key exists. `undefined` for an item that it cannot say. */
export function insertStatement(table: string, item: Item): Statement | undefined {
  const defined = definedEntries(item);
  if (!defined.every(([name]) => isPlain(name))) return undefined;
  const members = defined.map(([name]) => `'${name}': ?`);
  return {
    text: `INSERT INTO "${table}" VALUE {${members.join(", ")}}`,
    parameters: defined.map(([, value]) => value),
  };
}

/**
 * Answers with the item as it is then. `undefined` for what only an `UpdateItem` says: a sum, the making of an item, or more than
 * one removal, which DynamoDB and its emulators do not write the same way.
 */
export function updateStatement(
  table: string,
  { key, set = {}, add, remove = [], when }: Change,
): Statement | undefined {
  const defined = definedEntries(set);
  const names = [...defined.map(([name]) => name), ...remove, ...when.map(({ attribute }) => attribute)];
  const isSaid = add === undefined && remove.length <= 1 && when.some(needsItem) && names.every(isPlain);
  if (!isSaid || defined.length + remove.length === 0) return undefined;
  const conditions = when.map(conditionOf);
  const parts = [
    `UPDATE "${table}"`,
    ...(defined.length === 0 ? [] : [`SET ${defined.map(([name]) => `"${name}" = ?`).join(", ")}`]),
    ...remove.map((name) => `REMOVE "${name}"`),
    `WHERE ${['"pk" = ?', '"sk" = ?', ...conditions.map(({ text }) => text)].join(" AND ")}`,
    "RETURNING ALL NEW *",
  ];
  const values = defined.map(([, value]) => value);
  return {
    text: parts.join(" "),
    parameters: [...values, key.pk, key.sk, ...conditions.flatMap(({ parameters }) => parameters)],
  };
}

/** An `UPDATE` never makes an item; an `UpdateItem` does, unless a clause like this one holds it back. */
function needsItem({ is }: Clause): boolean {
  return is !== "absent";
}

function conditionOf(clause: Clause): Statement {
  const name = `"${clause.attribute}"`;
  if (clause.is === "absent") return { text: `${name} IS MISSING`, parameters: [] };
  if (clause.is === "present") return { text: `${name} IS NOT MISSING`, parameters: [] };
  if (clause.is === "oneOf") {
    return { text: `${name} IN [${clause.values.map(() => "?").join(", ")}]`, parameters: [...clause.values] };
  }
  return { text: `${name} ${clause.is === "equal" ? "=" : "<="} ?`, parameters: [clause.value] };
}
