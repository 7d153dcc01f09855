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
}

/** The operation and the item it is about, with what a session or manifest becomes by it. */
export function describeDynamo(operation: string, body: Buffer): string {
  const call: Call = JSON.parse(body.toString("utf8"));
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
