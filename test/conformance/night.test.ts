import { beforeAll, describe, expect, it } from "vitest";
import { createDynamoDb } from "../../functions/clients/dynamodb.ts";
import { groupedTable } from "../../functions/clients/grouped-table.ts";
import type { Table } from "../../functions/clients/table.ts";
import { createTable } from "../../infra/local/aws/infrastructure.ts";
import { tableInput } from "../../infra/table-definition.ts";
import { accompanied } from "../support/accompanied.ts";
import { useLocalAws } from "../support/local-aws.ts";
import { type TestWorld, testWorld } from "../support/world.ts";
import { type Twin, twinTable } from "./twin-table.ts";

const clock = useLocalAws();

const config = {
  agents: {
    list: [
      { id: "worker", cacheRetention: "auto", budget: { usdPerDay: 5, onExceeded: "reject" } },
      { id: "live", routing: "realtime" },
      { id: "digest", delivery: "digest" },
    ],
  },
  lanes: [{ id: "slow" }, { id: "bulk", maxBatchRequests: 4, flushEverySeconds: 1 }],
};

/** Tasks of every kind that ends by itself, and what a caller does meanwhile. */
async function live(world: TestWorld): Promise<string[]> {
  const directives = [
    "answer Yes.",
    "refusal",
    "max_tokens",
    "pause_turn 2",
    "errored invalid_request_error",
    "errored api_error",
  ];
  const ids: string[] = [];
  for (const directive of directives)
    ids.push(await world.accept(`[[stand-in: ${directive}]] Go.`, { label: "kinds" }));
  for (let n = 0; n < 9; n += 1) ids.push(await world.accept(`Number ${n}.`, { agentId: "digest", lane: "bulk" }));
  ids.push(await world.accept("Quick.", { agentId: "live" }));
  ids.push(
    await world.accept("[[stand-in: slow 7200]] In time.", {
      lane: "slow",
      timeoutSeconds: 900,
      onDeadline: "fallback",
    }),
  );
  ids.push(
    await world.accept("[[stand-in: slow 7200]] Or not at all.", {
      lane: "slow",
      timeoutSeconds: 600,
      onDeadline: "fail",
    }),
  );
  const canceled = await world.accept("Never mind.");
  const post = { method: "POST" };
  expect((await world.http(`/api/sessions/${canceled}/cancel`, post)).status).toBe(200);
  await world.ticks(45);
  const followUp = { ...post, body: JSON.stringify({ message: "And then?" }) };
  expect((await world.http(`/api/sessions/${ids[0]}/messages`, followUp)).status).toBe(202);
  await world.ticks(30);
  for (const path of ["sessions?label=kinds&limit=2", "lanes", "batches", "usage", "budgets", "agents", "advice"])
    expect((await world.http(`/api/${path}`)).status, path).toBe(200);
  return [...ids, canceled];
}

describe("a night, over the table in memory and over DynamoDB at once", () => {
  const tables: Table[] = [];
  beforeAll(async () => {
    const dynamo = createDynamoDb();
    await createTable(tableInput("night"), { dynamo });
    tables.push(accompanied(groupedTable(dynamo, "night", clock)));
  });

  it("is asked of AWS's own DynamoDB Local, and not of the embedded database", async () => {
    const { headers } = await fetch(process.env["AWS_ENDPOINT_URL_DYNAMODB"]!);
    expect(headers.get("server")).toMatch(/^Jetty/);
  });

  it("has the same answer from both to every call, and every task ends", async () => {
    const twins: Twin[] = [];
    const world = testWorld({
      config,
      tableBeside(memory) {
        const twin = twinTable(memory, tables[0]!);
        twins.push(twin);
        return twin;
      },
    });
    const ids = await live(world);
    const statuses = await Promise.all(ids.map(async (id) => (await world.see(id))["status"]));
    expect(statuses.filter((status) => !["done", "failed", "canceled", "timeout"].includes(String(status)))).toEqual(
      [],
    );
    const { calls, disagreements } = twins[0]!;
    expect(disagreements).toEqual([]);
    for (const name of ["get", "getMany", "insert", "put", "update", "transact", "query", "queryIndex"])
      expect(calls[name] ?? 0, name).toBeGreaterThan(0);
  });
});
