import type { BatchStatementResponse } from "@aws-sdk/client-dynamodb";
import { beforeEach, describe, expect, it } from "vitest";
import { createDynamoDb } from "../../../functions/clients/dynamodb.ts";
import { groupedTable } from "../../../functions/clients/grouped-table.ts";
import type { Clause, Table } from "../../../functions/clients/table.ts";
import { createTable } from "../../../infra/local/aws/infrastructure.ts";
import { tableInput } from "../../../infra/table-definition.ts";
import { useLocalAws } from "../../support/local-aws.ts";

const clock = useLocalAws();

const statementsIn = (input: object) =>
  "Statements" in input && Array.isArray(input.Statements) ? input.Statements : [];

/** The table, and each call that goes out, by its operation and its number of statements. */
async function open(name: string): Promise<{ table: Table; calls: string[] }> {
  const dynamo = createDynamoDb();
  await createTable(tableInput(name), { dynamo });
  const calls: string[] = [];
  dynamo.middlewareStack.add(
    (next, { commandName = "" }) =>
      (request) => {
        const statements = statementsIn(request.input);
        calls.push(commandName.replace("Command", "") + (statements.length === 0 ? "" : ` ${statements.length}`));
        return next(request);
      },
    { step: "initialize" },
  );
  return { table: groupedTable(dynamo, name, clock), calls };
}

let tables = 0;
let table: Table;
let calls: string[];
beforeEach(async () => {
  tables += 1;
  ({ table, calls } = await open(`grouped-${tables}`));
});

const item = (n: number, attributes: object = {}) => ({ pk: `P#${n}`, sk: "META", ...attributes });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const insertAll = (count: number) =>
  Promise.all(numbers(count).map((n) => table.insert(item(n, { status: "queued", n }))));
const isQueued: Clause = { attribute: "status", is: "equal", value: "queued" };

describe("writes of one moment", () => {
  it("go 25 a call, and each is answered by itself", async () => {
    const made = await insertAll(60);
    expect(calls).toEqual(["BatchExecuteStatement 25", "BatchExecuteStatement 25", "BatchExecuteStatement 10"]);
    expect(made[59]).toEqual({ moved: true, item: item(59, { status: "queued", n: 59 }) });
    const changes = numbers(60).map((n) =>
      table.update({ key: item(n), set: { n: -n, status: "done" }, when: [isQueued] }),
    );
    expect((await Promise.all(changes))[59]).toEqual({ moved: true, item: item(59, { status: "done", n: -59 }) });
    expect(calls.slice(3)).toEqual(calls.slice(0, 3));
    expect(await table.get(item(7))).toEqual(item(7, { status: "done", n: -7 }));
  });

  it("are refused each by what is there, and the others are made", async () => {
    await insertAll(4);
    await table.update({ key: item(2), set: { status: "done" }, when: [] });
    const moves = numbers(6).map((n) => table.update({ key: item(n), set: { status: "submitted" }, when: [isQueued] }));
    const moved = await Promise.all(moves);
    expect(moved.map((one) => one.moved)).toEqual([true, true, false, true, false, false]);
    expect(moved[2]).toEqual({ moved: false, current: item(2, { status: "done", n: 2 }) });
    expect(moved[4]).toEqual({ moved: false });
    const again = await insertAll(5);
    expect(again.map((one) => one.moved)).toEqual([false, false, false, false, true]);
    expect(again[2]).toEqual({ moved: false, current: item(2, { status: "done", n: 2 }) });
  });

  it("to one item go one after another, and one of them wins", async () => {
    const [first, second, other] = await Promise.all([
      table.insert(item(1, { by: "first" })),
      table.insert(item(1, { by: "second" })),
      table.insert(item(2)),
    ]);
    expect(first.moved).not.toBe(second.moved);
    expect(other.moved).toBe(true);
  });

  it("that only an update of its own can say go alone", async () => {
    await insertAll(3);
    calls.splice(0);
    await Promise.all([
      table.update({ key: item(0), add: { n: 5 }, when: [] }),
      table.update({ key: item(1), remove: ["n", "status"], when: [isQueued] }),
      table.update({ key: item(9), set: { made: true }, when: [{ attribute: "pk", is: "absent" }] }),
      table.update({ key: item(2), set: { "a b": 1 }, when: [isQueued] }),
    ]);
    expect(calls).toEqual(numbers(4).map(() => "UpdateItem"));
    expect(await table.get(item(9))).toEqual(item(9, { made: true }));
  });

  it("has no group of one", async () => {
    await table.insert(item(1));
    expect(calls).toEqual(["PutItem"]);
  });
});

/** DynamoDB as far as this goes: what it says to a group, and to whoever comes alone. */
function answering(toGroup: () => { Responses: BatchStatementResponse[] }) {
  const dynamo = createDynamoDb();
  const alone: string[] = [];
  dynamo.middlewareStack.add(
    (_, { commandName = "" }) =>
      async ({ input }) => {
        if (statementsIn(input).length > 0) return { response: {}, output: { $metadata: {}, ...toGroup() } };
        alone.push(commandName);
        return { response: {}, output: { $metadata: {}, Attributes: { n: 2 } } };
      },
    { step: "initialize", priority: "high" },
  );
  return { table: groupedTable(dynamo, "said", clock), alone };
}
const failure = (name: string) => Object.assign(new Error(name), { name });

describe("an answer to a group", () => {
  const move = (to: Table, n: number) => to.update({ key: item(n), set: { n: 2 }, when: [isQueued] });
  const both = (to: Table) => Promise.all([move(to, 1), move(to, 2)]);

  it.each(["TransactionConflict", "ThrottlingError", "InternalServerError", "ValidationError"] as const)(
    "that says %s of one lets that one go alone",
    async (Code) => {
      const said = answering(() => ({ Responses: [{ Item: { n: { N: "1" } } }, { Error: { Code } }] }));
      expect((await both(said.table)).map(({ moved }) => moved)).toEqual([true, true]);
      expect(said.alone).toEqual(["UpdateItemCommand"]);
    },
  );

  it("that is short, or says nothing of a write, lets whoever is left open go alone", async () => {
    const said = answering(() => ({ Responses: [{}] }));
    expect((await both(said.table)).map(({ moved }) => moved)).toEqual([true, true]);
    expect(said.alone).toHaveLength(2);
  });

  it("that takes offence at the call lets each go alone", async () => {
    const said = answering(() => {
      throw failure("ValidationException");
    });
    expect((await both(said.table)).map(({ moved }) => moved)).toEqual([true, true]);
    expect(said.alone).toHaveLength(2);
  });

  it("that never comes is a failure of each, and writes nothing more", async () => {
    const said = answering(() => {
      throw failure("TimeoutError");
    });
    const ends = await Promise.allSettled([move(said.table, 1), move(said.table, 2)]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(said.alone).toEqual([]);
  });
});
