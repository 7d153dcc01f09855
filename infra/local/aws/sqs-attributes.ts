import * as v from "valibot";
import { AwsFault, account, region } from "./protocol.ts";
import type { QueueCounts, Redrive } from "./sqs-store.ts";

/** Allowed range and default of each numeric attribute: SQS API reference, SetQueueAttributes; the sizes since messages may be 1 MiB. */
const ranges = {
  DelaySeconds: { min: 0, max: 900, initial: 0 },
  MaximumMessageSize: { min: 1_024, max: 1_048_576, initial: 1_048_576 },
  MessageRetentionPeriod: { min: 60, max: 1_209_600, initial: 345_600 },
  ReceiveMessageWaitTimeSeconds: { min: 0, max: 20, initial: 0 },
  VisibilityTimeout: { min: 0, max: 43_200, initial: 30 },
} as const;

type NumericAttribute = keyof typeof ranges;

/** Kept and given back, without effect on one machine. */
const inert = new Set([
  "Policy",
  "RedriveAllowPolicy",
  "SqsManagedSseEnabled",
  "KmsMasterKeyId",
  "KmsDataKeyReusePeriodSeconds",
]);

const redrivePolicy = v.object({
  deadLetterTargetArn: v.pipe(v.string(), v.startsWith(`arn:aws:sqs:${region}:${account}:`)),
  maxReceiveCount: v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.toNumber())]),
    v.integer(),
    v.minValue(1),
    v.maxValue(1_000),
  ),
});

export function queueArn(name: string): string {
  return `arn:aws:sqs:${region}:${account}:${name}`;
}

export function numericAttribute(attributes: Record<string, string>, name: NumericAttribute): number {
  return Number(attributes[name] ?? ranges[name].initial);
}

/** Refuses what SQS refuses; a dead-letter queue has to exist first. */
export function checkAttributes(attributes: Record<string, string>, queueExists: (name: string) => boolean): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (isNumeric(name)) checkRange(name, value);
    else if (name === "RedrivePolicy") checkRedrive(value, queueExists);
    else if (!inert.has(name)) throw new AwsFault("InvalidAttributeName", `Unknown Attribute ${name}.`);
  }
}

export function redriveOf(attributes: Record<string, string>): Redrive | undefined {
  const text = attributes["RedrivePolicy"];
  if (text === undefined || text === "") return undefined;
  const parsed = v.safeParse(redrivePolicy, parseJson(text));
  if (!parsed.success) throw invalid("RedrivePolicy", text, parsed.issues[0].message);
  const { deadLetterTargetArn, maxReceiveCount } = parsed.output;
  return { deadLetterQueue: deadLetterTargetArn.slice(queueArn("").length), maxReceiveCount };
}

/** What GetQueueAttributes may answer; a name it does not know is refused. */
export function describeQueue(
  queue: { name: string; attributes: Record<string, string>; createdAt: number; modifiedAt: number },
  counts: QueueCounts,
  wanted: readonly string[],
): Record<string, string> {
  const numeric = Object.entries(ranges).map(([name, range]) => [
    name,
    queue.attributes[name] ?? String(range.initial),
  ]);
  const all: Record<string, string> = {
    ...Object.fromEntries(numeric),
    ...queue.attributes,
    QueueArn: queueArn(queue.name),
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
  };
  const unknown = wanted.find(
    (name) => name !== "All" && !(name in all) && name !== "RedrivePolicy" && !inert.has(name),
  );
  if (unknown !== undefined) throw new AwsFault("InvalidAttributeName", `Unknown Attribute ${unknown}.`);
  if (wanted.includes("All")) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name)));
}

function isNumeric(name: string): name is NumericAttribute {
  return Object.hasOwn(ranges, name);
}

function checkRange(name: NumericAttribute, value: string): void {
  const { min, max } = ranges[name];
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max) {
    throw new AwsFault("InvalidAttributeValue", `Invalid value for the parameter ${name}.`);
  }
}

function checkRedrive(value: string, queueExists: (name: string) => boolean): void {
  const redrive = redriveOf({ RedrivePolicy: value });
  if (redrive !== undefined && !queueExists(redrive.deadLetterQueue)) {
    throw invalid("RedrivePolicy", value, "Dead letter target does not exist.");
  }
}

export function invalid(parameter: string, value: string | number, reason: string): AwsFault {
  return new AwsFault(
    "InvalidParameterValue",
    `Value ${value} for parameter ${parameter} is invalid. Reason: ${reason}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
