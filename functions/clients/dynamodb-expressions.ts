import type { TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import type { Change, Clause, Write } from "./table.ts";

/** Conditions and changes as DynamoDB's expressions. */
interface Compiled {
  names: Record<string, string>;
  values: Record<string, unknown>;
  condition?: string;
}

export function compileClauses(clauses: readonly Clause[]): Compiled {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const parts = clauses.map((clause, index) => {
    names[`#c${index}`] = clause.attribute;
    return clauseText(clause, index, values);
  });
  return parts.length === 0 ? { names, values } : { names, values, condition: parts.join(" AND ") };
}

/** Adds what the clause compares with to `values`. */
function clauseText(clause: Clause, index: number, values: Record<string, unknown>): string {
  const name = `#c${index}`;
  if (clause.is === "absent") return `attribute_not_exists(${name})`;
  if (clause.is === "present") return `attribute_exists(${name})`;
  if (clause.is === "oneOf") {
    const placeholders = clause.values.map((value, position) => {
      values[`:c${index}_${position}`] = value;
      return `:c${index}_${position}`;
    });
    return `${name} IN (${placeholders.join(", ")})`;
  }
  values[`:c${index}`] = clause.value;
  return `${name} ${clause.is === "equal" ? "=" : "<="} :c${index}`;
}

type UpdateParts = {
  UpdateExpression: string;
  ConditionExpression?: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
};

/** What is undefined is not written. */
export function definedEntries(attributes: object): [name: string, value: unknown][] {
  return Object.entries(attributes).filter(([, value]) => value !== undefined);
}

export function compileUpdate({ set = {}, add = {}, remove = [], when }: Change): UpdateParts {
  const { names, values, condition } = compileClauses(when);
  const setting = definedEntries(set).map(([attribute, value], index) => {
    names[`#s${index}`] = attribute;
    values[`:s${index}`] = value;
    return `#s${index} = :s${index}`;
  });
  const adding = Object.entries(add).map(([attribute, value], index) => {
    names[`#a${index}`] = attribute;
    values[`:a${index}`] = value;
    return `#a${index} :a${index}`;
  });
  const removing = remove.map((attribute, index) => {
    names[`#r${index}`] = attribute;
    return `#r${index}`;
  });
  const expression = [
    ...(setting.length === 0 ? [] : [`SET ${setting.join(", ")}`]),
    ...(adding.length === 0 ? [] : [`ADD ${adding.join(", ")}`]),
    ...(removing.length === 0 ? [] : [`REMOVE ${removing.join(", ")}`]),
  ].join(" ");
  return {
    UpdateExpression: expression,
    ...(condition === undefined ? {} : { ConditionExpression: condition }),
    ExpressionAttributeNames: names,
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}

type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

export function writeToTransactItem(TableName: string, write: Write): TransactItem {
  if ("update" in write) {
    const { pk, sk } = write.update.key;
    return { Update: { TableName, Key: { pk, sk }, ...compileUpdate(write.update) } };
  }
  const { names, values, condition } = compileClauses("put" in write ? write.put.when : write.remove.when);
  const conditions = {
    ...(condition === undefined ? {} : { ConditionExpression: condition, ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
  return "put" in write
    ? { Put: { TableName, Item: write.put.item, ...conditions } }
    : { Delete: { TableName, Key: { pk: write.remove.key.pk, sk: write.remove.key.sk }, ...conditions } };
}
