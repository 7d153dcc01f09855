import type { Tally } from "./wire.ts";

/** As it goes over the wire, as far as it is looked at. */
interface Attribute {
  S?: string;
}
interface Call {
  Key?: Record<string, Attribute>;
  Item?: Record<string, Attribute>;
  IndexName?: string;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, Attribute>;
  TransactItems?: Record<string, Call>[];
  RequestItems?: Record<string, { Keys?: Record<string, Attribute>[] }>;
  Statements?: { Statement?: string; Parameters?: Attribute[] }[];
}

/** What a call is about, each time it is; of a group of statements, one after another. */
export function describeDynamo(operation: string, body: Buffer): string[] {
  const call: Call = JSON.parse(body.toString("utf8"));
  return call.Statements === undefined ? [describeCall(operation, call)] : call.Statements.map(describeStatement);
}

/** As the same write would be called that goes alone. */
function describeStatement({ Statement = "", Parameters = [] }: NonNullable<Call["Statements"]>[number]): string {
  // Question marks stand for the parameters in their order, each behind its name: `'sk': ?`, `"status" = ?`.
  const names = [...Statement.matchAll(/(?:'(\w+)': |"(\w+)" = )?\?/g)].map(
    ([, inserted, compared]) => inserted ?? compared,
  );
  const parameterOf = (name: string) => Parameters[names.indexOf(name)] ?? {};
  const Key = { pk: parameterOf("pk"), sk: parameterOf("sk") };
  if (Statement.startsWith("INSERT")) return describeCall("PutItem", { Item: Key });
  const set = /SET (.*?) (?:REMOVE|WHERE)/.exec(Statement)?.[1] ?? "";
  const isSet = ["status", "delivered"].filter((name) => set.includes(`"${name}" = ?`));
  return describeCall("UpdateItem", {
    Key,
    ExpressionAttributeNames: Object.fromEntries(isSet.map((name) => [`#s_${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(isSet.map((name) => [`:s_${name}`, parameterOf(name)])),
  });
}

/** The operation and the item it is about, with what a session or manifest becomes by it. */
function describeCall(operation: string, call: Call): string {
  if (call.TransactItems !== undefined) {
    const parts = call.TransactItems.flatMap((item) => Object.values(item)).map(nameOf);
    return `transaction: ${parts.join(" + ")}`;
  }
  if (call.RequestItems !== undefined) {
    const keys = Object.values(call.RequestItems).flatMap(({ Keys = [] }) => Keys);
    return `read many ${keys[0] === undefined ? "" : itemName(keys[0])}`;
  }
  if (operation === "Query") return `query ${call.IndexName ?? queried(call)}`;
  const verb = { GetItem: "read", PutItem: "put", UpdateItem: "move" }[operation] ?? operation;
  return `${verb} ${nameOf(call)}`;
}

function queried({ ExpressionAttributeValues = {} }: Call): string {
  return (ExpressionAttributeValues[":pk"]?.S ?? "").replace(/#.*/, "");
}

function nameOf(call: Call): string {
  const name = itemName(call.Item ?? call.Key ?? {});
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = call;
  const to = Object.keys(names).find((key) => key.startsWith("#s") && ["status", "state"].includes(names[key] ?? ""));
  if (to !== undefined) return `${name} → ${values[to.replace("#", ":")]?.S ?? "?"}`;
  const isDelivered = Object.entries(names).some(
    ([key, attribute]) => key.startsWith("#s") && attribute === "delivered",
  );
  return isDelivered ? `${name}: delivered` : name;
}

function itemName(item: Record<string, Attribute>): string {
  const [kind = ""] = (item["pk"]?.S ?? "").split("#");
  const [sort = ""] = (item["sk"]?.S ?? "").split("#");
  return ["SESSION", "MANIFEST"].includes(kind) ? sort : kind;
}

interface Consumed {
  CapacityUnits?: number;
}

const reading = new Set(["GetItem", "BatchGetItem", "Query", "TransactGetItems"]);

/** What DynamoDB says it took, its indexes included. A refused condition is charged without being told. */
export function unitsIn(operation: string, answer: Buffer): Partial<Tally> {
  const body: { ConsumedCapacity?: Consumed | Consumed[]; __type?: string } = JSON.parse(answer.toString("utf8"));
  if (body.__type?.includes("ConditionalCheckFailed")) return { writeUnits: 1 };
  const all = [body.ConsumedCapacity ?? []].flat();
  const units = all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
  return reading.has(operation) ? { readUnits: units } : { writeUnits: units };
}
