import { createHash } from "node:crypto";
import * as v from "valibot";
import { AwsFault } from "./protocol.ts";
import { invalid, numericAttribute } from "./sqs-attributes.ts";
import type { NewMessage, StoredMessage } from "./sqs-store.ts";

const attributeValue = v.object({
  DataType: v.pipe(v.string(), v.regex(/^(String|Number|Binary)(\..+)?$/)),
  StringValue: v.optional(v.string()),
  BinaryValue: v.optional(v.pipe(v.string(), v.base64())),
});
const messageAttributes = v.record(v.string(), attributeValue);
type MessageAttributes = v.InferOutput<typeof messageAttributes>;

/** The part of SendMessage that an entry of SendMessageBatch shares. */
export const sendFields = {
  MessageBody: v.string(),
  DelaySeconds: v.optional(v.number()),
  MessageAttributes: v.optional(messageAttributes, {}),
  MessageSystemAttributes: v.optional(messageAttributes, {}),
  /** On a standard queue this marks a tenant for fair queues; it orders nothing. */
  MessageGroupId: v.optional(v.string()),
};
const sendEntry = v.object(sendFields);
export type SendEntry = v.InferOutput<typeof sendEntry>;

const maxDelaySeconds = 900;

/** SQS takes the characters XML 1.0 has: of the control characters only tab and line ends, and no lone surrogate. */
const outsideXml = /[^\t\n\r\u0020-\uFFFD]/;

/** Body and attributes together, as SQS counts them, in bytes. */
export function messageBytes(entry: SendEntry): number {
  const attributes = Object.entries(entry.MessageAttributes).map(
    ([name, { DataType, StringValue, BinaryValue }]) =>
      Buffer.byteLength(name + DataType + (StringValue ?? "")) + Buffer.byteLength(BinaryValue ?? "", "base64"),
  );
  return attributes.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(entry.MessageBody));
}

/** Turns one accepted entry into what is stored and what is answered. Throws the fault SQS answers for a bad one. */
export function acceptMessage(entry: SendEntry, queue: Record<string, string>, deps: { now: number; id: string }) {
  const delaySeconds = entry.DelaySeconds ?? numericAttribute(queue, "DelaySeconds");
  checkMessage(entry, delaySeconds, numericAttribute(queue, "MaximumMessageSize"));
  const group = entry.MessageGroupId === undefined ? {} : { MessageGroupId: entry.MessageGroupId };
  const trace = entry.MessageSystemAttributes["AWSTraceHeader"]?.StringValue;
  const stored: NewMessage = {
    messageId: deps.id,
    body: entry.MessageBody,
    attributes: JSON.stringify(entry.MessageAttributes),
    system: JSON.stringify(trace === undefined ? group : { ...group, AWSTraceHeader: trace }),
    visibleAt: deps.now + delaySeconds * 1000,
  };
  const answer = {
    MessageId: deps.id,
    MD5OfMessageBody: md5(entry.MessageBody),
    ...attributesDigest(entry.MessageAttributes),
  };
  return { stored, answer };
}

function checkMessage(entry: SendEntry, delaySeconds: number, maxBytes: number): void {
  if (entry.MessageBody === "")
    throw new AwsFault("MissingParameter", "The request must contain the parameter MessageBody.");
  if (!entry.MessageBody.isWellFormed() || outsideXml.test(entry.MessageBody)) {
    throw new AwsFault(
      "InvalidMessageContents",
      "Invalid characters found. Valid unicode characters are those of XML 1.0.",
    );
  }
  if (messageBytes(entry) > maxBytes) {
    const message = `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`;
    throw new AwsFault("InvalidParameterValue", message);
  }
  if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > maxDelaySeconds) {
    throw invalid("DelaySeconds", delaySeconds, `DelaySeconds must be >= 0 and <= ${maxDelaySeconds}.`);
  }
}

/** A message as ReceiveMessage answers it. `system` and `custom` name the attributes asked for; `All` and `prefix.*` work. */
export function describeMessage(row: StoredMessage, wanted: { system: readonly string[]; custom: readonly string[] }) {
  const system = only(systemAttributes(row), wanted.system);
  const custom = only(v.parse(messageAttributes, JSON.parse(row.attributes)), wanted.custom);
  return {
    MessageId: row.message_id,
    ReceiptHandle: handleOf(row),
    Body: row.body,
    MD5OfBody: md5(row.body),
    ...(Object.keys(system).length === 0 ? {} : { Attributes: system }),
    ...(Object.keys(custom).length === 0 ? {} : { MessageAttributes: custom, ...attributesDigest(custom) }),
  };
}

function systemAttributes(row: StoredMessage): Record<string, string> {
  return {
    ...v.parse(v.record(v.string(), v.string()), JSON.parse(row.system)),
    ...(row.came_from === null ? {} : { DeadLetterQueueSourceArn: row.came_from }),
    SenderId: "local",
    SentTimestamp: String(row.sent_at),
    ApproximateReceiveCount: String(row.receives),
    ApproximateFirstReceiveTimestamp: String(row.first_received_at ?? row.sent_at),
  };
}

function only<T>(all: Record<string, T>, wanted: readonly string[]): Record<string, T> {
  const asked = (name: string) =>
    wanted.some(
      (want) => want === "All" || want === name || (want.endsWith(".*") && name.startsWith(want.slice(0, -1))),
    );
  return Object.fromEntries(Object.entries(all).filter(([name]) => asked(name)));
}

function handleOf(row: StoredMessage): string {
  return Buffer.from(`${row.id} ${row.receipt}`).toString("base64url");
}

export function parseHandle(handle: string): { id: number; receipt: string } {
  const [, id, receipt] = /^(\d+) (\S+)$/.exec(Buffer.from(handle, "base64url").toString("utf8")) ?? [];
  if (id === undefined || receipt === undefined) {
    throw new AwsFault("ReceiptHandleIsInvalid", `The input receipt handle "${handle}" is not a valid receipt handle.`);
  }
  return { id: Number(id), receipt };
}

function md5(text: string): string {
  return createHash("md5").update(text, "utf8").digest("hex");
}

/** "Calculating the MD5 message digest for message attributes", SQS developer guide: names sorted, every part length-prefixed. */
function attributesDigest(attributes: MessageAttributes): { MD5OfMessageAttributes?: string } {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return {};
  const hash = createHash("md5");
  const add = (part: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  };
  for (const name of names) {
    const { DataType = "", StringValue = "", BinaryValue = "" } = attributes[name] ?? {};
    const binary = DataType.startsWith("Binary");
    add(Buffer.from(name));
    add(Buffer.from(DataType));
    hash.update(Buffer.from([binary ? 2 : 1]));
    add(binary ? Buffer.from(BinaryValue, "base64") : Buffer.from(StringValue));
  }
  return { MD5OfMessageAttributes: hash.digest("hex") };
}
