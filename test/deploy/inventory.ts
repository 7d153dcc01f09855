import type { Json } from "../flow/support.ts";
import { region } from "./place.ts";

/** What an account has, by kind: names, sorted. */
export type Inventory = Record<string, string[]>;

/** Calls the emulator as an SDK does, but unsigned, for services of which no client is installed. */
function callsTo(url: string) {
  type Init = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };
  const call = async (service: string, path: string, init: Init = {}): Promise<Response> => {
    const credential = `Credential=test/20260101/${region}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=none`;
    const response = await fetch(`${url}${path}`, { ...init, headers: { authorization, ...init.headers } });
    if (!response.ok) throw new Error(`${service} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    rest: async (service: string, path: string): Promise<Json> => (await call(service, path)).json(),
    xml: async (service: string, path: string, tag: string) => valuesOf(await call(service, path), tag),
    query: async (service: string, action: string, version: string, tag: string) => {
      const body = new URLSearchParams({ Action: action, Version: version });
      return valuesOf(await call(service, "/", { method: "POST", body }), tag);
    },
    json: async (service: string, target: string, body: object = {}): Promise<Json> => {
      const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1" };
      return (await call(service, "/", { method: "POST", headers, body: JSON.stringify(body) })).json();
    },
  };
}

async function valuesOf(response: Response, tag: string): Promise<string[]> {
  const text = await response.text();
  return [...text.matchAll(new RegExp(`<${tag}>([^<]+)</${tag}>`, "g"))].map(([, value]) => value ?? "");
}

/** Everything of the kinds that the stack has, so that what it leaves behind can be told. */
export async function takeInventory(url: string): Promise<Inventory> {
  const { rest, xml, query, json } = callsTo(url);
  const named = (list: Json, name: string): string[] => (list ?? []).map((one: Json) => one[name]);
  const found: Inventory = {
    tables: (await json("dynamodb", "DynamoDB_20120810.ListTables")).TableNames,
    buckets: await xml("s3", "/", "Name"),
    queues: (await json("sqs", "AmazonSQS.ListQueues")).QueueUrls ?? [],
    buses: named((await json("events", "AWSEvents.ListEventBuses")).EventBuses, "Name"),
    rules: named((await json("events", "AWSEvents.ListRules")).Rules, "Name"),
    schedules: named((await rest("scheduler", "/schedules")).Schedules, "Name"),
    secrets: named((await json("secretsmanager", "secretsmanager.ListSecrets")).SecretList, "Name"),
    functions: named((await rest("lambda", "/2015-03-31/functions/")).Functions, "FunctionName"),
    eventSources: named((await rest("lambda", "/2015-03-31/event-source-mappings/")).EventSourceMappings, "UUID"),
    logGroups: named((await json("logs", "Logs_20140328.DescribeLogGroups")).logGroups, "logGroupName"),
    apis: named((await rest("apigateway", "/v2/apis")).items, "apiId"),
    topics: await query("sns", "ListTopics", "2010-03-31", "TopicArn"),
    alarms: await query("monitoring", "DescribeAlarms", "2010-08-01", "AlarmName"),
    roles: await query("iam", "ListRoles", "2010-05-08", "RoleName"),
  };
  return Object.fromEntries(Object.entries(found).map(([kind, names]) => [kind, names.toSorted()]));
}

/** What the one has and the other has not, without the kinds of which that is nothing. */
export function beyond(now: Inventory, before: Inventory): Inventory {
  const more = Object.entries(now).map(([kind, names]) => {
    const known = new Set(before[kind]);
    return [kind, names.filter((name) => !known.has(name))] as const;
  });
  return Object.fromEntries(more.filter(([, names]) => names.length > 0));
}

/** What the functions have logged, in all their groups, a line each. */
export async function readLogs(url: string): Promise<string[]> {
  const { json } = callsTo(url);
  const { logGroups } = await json("logs", "Logs_20140328.DescribeLogGroups");
  const lines = await Promise.all(
    (logGroups ?? []).map(async ({ logGroupName }: Json) => {
      const { events } = await json("logs", "Logs_20140328.FilterLogEvents", { logGroupName });
      return (events ?? []).map(({ message }: Json) => String(message));
    }),
  );
  return lines.flat();
}
