import { join } from "node:path";
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSqs } from "../../../../infra/local/aws/sqs.ts";
import { openQueueStore } from "../../../../infra/local/aws/sqs-store.ts";
import { messageOperations, openBell } from "../../../../infra/local/aws/sqs-traffic.ts";
import { clientOptions, temporaryHome, testDeps } from "./support.ts";

async function setUp(home = temporaryHome()) {
  const deps = testDeps();
  const server = await startSqs(join(home, "sqs.sqlite"), deps);
  const sqs = new SQSClient({ ...clientOptions, endpoint: server.url });
  const stop = async () => {
    sqs.destroy();
    await server.close();
  };
  const create = async (QueueName: string, Attributes: Record<string, string> = {}) =>
    (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
  const receive = async (QueueUrl: string, more: Record<string, unknown> = {}) =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
  return { deps, sqs, create, receive, stop, home };
}

async function running(home?: string) {
  const context = await setUp(home);
  onTestFinished(context.stop);
  return context;
}

const send = (QueueUrl: string, MessageBody: string) => new SendMessageCommand({ QueueUrl, MessageBody });

const aRequest = {
  method: "POST",
  path: "/",
  query: new URLSearchParams(),
  headers: {},
  header: () => undefined,
  body: Buffer.alloc(0),
  origin: "http://127.0.0.1",
};

describe("a message", () => {
  it("is received once, and is gone when deleted", async () => {
    const { sqs, create, receive, deps } = await running();
    const url = await create("work");
    await sqs.send(send(url, "hello"));
    const [message] = await receive(url);
    expect(message?.Body).toBe("hello");
    expect(await receive(url)).toEqual([]);
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message!.ReceiptHandle! }));
    deps.pass(31);
    expect(await receive(url)).toEqual([]);
  });

  it("comes again after its visibility timeout, and the old receipt no longer deletes it", async () => {
    const { sqs, create, receive, deps } = await running();
    const url = await create("work", { VisibilityTimeout: "60" });
    await sqs.send(send(url, "again"));
    const [first] = await receive(url);
    deps.pass(59);
    expect(await receive(url)).toEqual([]);
    deps.pass(1);
    const [second] = await receive(url, { MessageSystemAttributeNames: ["ApproximateReceiveCount"] });
    expect(second?.Attributes).toEqual({ ApproximateReceiveCount: "2" });
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first!.ReceiptHandle! }));
    deps.pass(60);
    expect(await receive(url)).toHaveLength(1);
  });

  it("is back at once when its visibility is set to zero", async () => {
    const { sqs, create, receive } = await running();
    const url = await create("work");
    await sqs.send(send(url, "released"));
    const [message] = await receive(url);
    const ReceiptHandle = message!.ReceiptHandle!;
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
    expect(await receive(url)).toHaveLength(1);
  });

  it("keeps its visibility while it is not in flight", async () => {
    const { sqs, create, receive, deps } = await running();
    const url = await create("work");
    await sqs.send(send(url, "expired"));
    const [message] = await receive(url);
    deps.pass(30);
    const change = { QueueUrl: url, ReceiptHandle: message!.ReceiptHandle!, VisibilityTimeout: 5 };
    await expect(sqs.send(new ChangeMessageVisibilityCommand(change))).rejects.toMatchObject({
      name: expect.stringMatching(/MessageNotInflight/),
    });
  });

  it("is hidden for its delay", async () => {
    const { sqs, create, receive, deps } = await running();
    const url = await create("work");
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "later", DelaySeconds: 90 }));
    deps.pass(89);
    expect(await receive(url)).toEqual([]);
    deps.pass(1);
    expect(await receive(url)).toHaveLength(1);
  });

  it("is dropped after the retention period", async () => {
    const { sqs, create, receive, deps } = await running();
    const url = await create("work", { MessageRetentionPeriod: "60" });
    await sqs.send(send(url, "old"));
    deps.pass(60);
    expect(await receive(url)).toEqual([]);
  });

  it("carries its attributes, with one digest at both ends", async () => {
    const { sqs, create, receive } = await running();
    const url = await create("work");
    const MessageAttributes = {
      tenant: { DataType: "String", StringValue: "é" },
      raw: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    const command = new SendMessageCommand({
      QueueUrl: url,
      MessageBody: "x",
      MessageAttributes,
      MessageGroupId: "t1",
    });
    const sent = await sqs.send(command);
    const [message] = await receive(url, {
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["MessageGroupId"],
    });
    expect(message?.MessageAttributes).toMatchObject(MessageAttributes);
    expect(message?.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
    expect(message?.Attributes).toEqual({ MessageGroupId: "t1" });
  });

  it.each([
    ["has no body", { MessageBody: "" }, /MessageBody/],
    ["has a control character", { MessageBody: "a\u0001b" }, /Invalid characters/],
    ["has half a surrogate pair", { MessageBody: "a\ud800b" }, /Invalid characters/],
    ["is over 1 MiB", { MessageBody: "x".repeat(1_048_577) }, /shorter than 1048576 bytes/],
    ["is delayed for more than 15 minutes", { MessageBody: "x", DelaySeconds: 901 }, /DelaySeconds/],
  ])("is refused when it %s", async (_case, fields, message) => {
    const { sqs, create } = await running();
    const url = await create("work");
    await expect(sqs.send(new SendMessageCommand({ QueueUrl: url, ...fields }))).rejects.toThrow(message);
  });
});

describe("a long poll", () => {
  it("ends as soon as a message arrives", async () => {
    const { sqs, create, receive } = await running();
    const url = await create("work");
    const polled = receive(url, { WaitTimeSeconds: 20 });
    await sqs.send(send(url, "at last"));
    expect((await polled).map(({ Body }) => Body)).toEqual(["at last"]);
  });

  it("takes no message once its caller is gone", async () => {
    const deps = testDeps();
    const store = openQueueStore(join(temporaryHome(), "sqs.sqlite"), { now: deps.now, newReceipt: deps.newId });
    onTestFinished(store.close);
    const operations = new Map(messageOperations({ store, bell: openBell(), now: deps.now, newId: deps.newId }));
    const ask = (operation: string, input: object, signal: AbortSignal) =>
      operations.get(operation)!({ QueueUrl: "/work", ...input }, { ...aRequest, signal });
    store.putQueue("work", {});
    const gone = new AbortController();
    const polled = ask("ReceiveMessage", { WaitTimeSeconds: 20 }, gone.signal);
    gone.abort();
    ask("SendMessage", { MessageBody: "for the next" }, new AbortController().signal);
    expect(await polled).toEqual({});
    expect(store.counts("work")).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });
});

describe("the dead-letter queue", () => {
  it("gets a message that was received too often, with its id and count", async () => {
    const { sqs, create, receive, deps } = await running();
    const dead = await create("work-dead");
    const arn = "arn:aws:sqs:us-east-1:000000000000:work-dead";
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 2 });
    const url = await create("work", { RedrivePolicy, VisibilityTimeout: "10" });
    const { MessageId } = await sqs.send(send(url, "poison"));
    for (const _time of [1, 2]) {
      expect(await receive(url)).toHaveLength(1);
      deps.pass(10);
    }
    const waiting = receive(dead, { WaitTimeSeconds: 20, MessageSystemAttributeNames: ["All"] });
    expect(await receive(url)).toEqual([]);
    const [message] = await waiting;
    expect(message).toMatchObject({ MessageId, Body: "poison" });
    expect(message?.Attributes).toMatchObject({
      ApproximateReceiveCount: "3",
      DeadLetterQueueSourceArn: "arn:aws:sqs:us-east-1:000000000000:work",
    });
  });

  it("has to exist before a queue names it", async () => {
    const { create } = await running();
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:nowhere",
      maxReceiveCount: 2,
    });
    await expect(create("work", { RedrivePolicy })).rejects.toThrow(/Dead letter target does not exist/);
  });
});

describe("a batch", () => {
  it("sends, hides and deletes, and a bad entry fails alone", async () => {
    const { sqs, create, receive } = await running();
    const url = await create("work");
    const Entries = ["a", "b", "c"].map((Id) => ({ Id, MessageBody: Id === "b" ? "\u0002" : Id }));
    const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(["a", "c"]);
    expect(sent.Failed).toMatchObject([{ Id: "b", SenderFault: true, Code: "InvalidMessageContents" }]);
    const handles = (await receive(url)).map(({ ReceiptHandle }, at) => ({ Id: `${at}`, ReceiptHandle }));
    const shown = handles.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries: shown }));
    const again = (await receive(url)).map(({ ReceiptHandle }, at) => ({ Id: `${at}`, ReceiptHandle }));
    const remaining = [...again, { Id: "garbage", ReceiptHandle: "garbage" }];
    const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: remaining }));
    expect(deleted.Successful).toHaveLength(2);
    expect(deleted.Failed).toMatchObject([{ Id: "garbage", Code: "ReceiptHandleIsInvalid" }]);
  });

  it.each([
    ["empty", [], /EmptyBatchRequest/],
    ["of eleven", Array.from({ length: 11 }, (_, at) => `m${at}`), /TooManyEntriesInBatchRequest/],
    ["with one id twice", ["same", "same"], /BatchEntryIdsNotDistinct/],
    ["with a bad id", ["not ok"], /InvalidBatchEntryId/],
  ])("is refused as a whole when it is %s", async (_case, ids, name) => {
    const { sqs, create } = await running();
    const url = await create("work");
    const Entries = ids.map((Id) => ({ Id, MessageBody: "x" }));
    await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))).rejects.toMatchObject({
      name: expect.stringMatching(name),
    });
  });

  it("is refused when its messages together are over 1 MiB", async () => {
    const { sqs, create } = await running();
    const url = await create("work");
    const Entries = ["a", "b"].map((Id) => ({ Id, MessageBody: "x".repeat(600_000) }));
    await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))).rejects.toMatchObject({
      name: expect.stringMatching(/BatchRequestTooLong/),
    });
  });
});

describe("a queue", () => {
  it("is created once, and refused with other attributes", async () => {
    const { create, sqs } = await running();
    const url = await create("work", { VisibilityTimeout: "60" });
    expect(await create("work")).toBe(url);
    await expect(create("work", { VisibilityTimeout: "61" })).rejects.toBeInstanceOf(QueueNameExists);
    await expect(create("work.fifo")).rejects.toThrow(/QueueName/);
    await expect(create("other", { VisibilityTimeout: "50000" })).rejects.toThrow(/VisibilityTimeout/);
    await expect(create("other", { Colour: "red" })).rejects.toThrow(/Colour/);
    expect((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: "wo" }))).QueueUrls).toEqual([url]);
  });

  it("counts what is waiting, in flight and delayed, and forgets it when purged", async () => {
    const { sqs, create, receive } = await running();
    const url = await create("work");
    for (const body of ["a", "b", "c"]) await sqs.send(send(url, body));
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "d", DelaySeconds: 5 }));
    await receive(url, { MaxNumberOfMessages: 1 });
    const counts = async () => {
      const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }));
      const { ApproximateNumberOfMessages: a, ...rest } = answer.Attributes ?? {};
      return [a, rest["ApproximateNumberOfMessagesNotVisible"], rest["ApproximateNumberOfMessagesDelayed"]];
    };
    expect(await counts()).toEqual(["2", "1", "1"]);
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(await counts()).toEqual(["0", "0", "0"]);
  });

  it("that is unknown is a QueueDoesNotExist", async () => {
    const { sqs, receive } = await running();
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: "none" }))).rejects.toBeInstanceOf(QueueDoesNotExist);
    await expect(receive("http://127.0.0.1/000000000000/none")).rejects.toBeInstanceOf(QueueDoesNotExist);
  });

  it("gives a message back at once whose holder ended with the last run, and counts that receipt", async () => {
    const first = await setUp();
    const url = await first.create("work");
    await first.sqs.send(send(url, "held"));
    expect(await first.receive(url)).toHaveLength(1);
    expect(await first.receive(url)).toEqual([]);
    await first.stop();
    const { receive } = await running(first.home);
    const [again] = await receive(url, { MessageSystemAttributeNames: ["All"] });
    expect(again).toMatchObject({ Body: "held", Attributes: { ApproximateReceiveCount: "2" } });
  });

  it("keeps its attributes and messages over a restart, under its old URL", async () => {
    const first = await setUp();
    const url = await first.create("work");
    await first.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { VisibilityTimeout: "77" } }));
    await first.sqs.send(send(url, "kept"));
    await first.stop();
    const { sqs, receive } = await running(first.home);
    const answer = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["VisibilityTimeout"] }),
    );
    expect(answer.Attributes).toEqual({ VisibilityTimeout: "77" });
    expect((await receive(url)).map(({ Body }) => Body)).toEqual(["kept"]);
  });
});
