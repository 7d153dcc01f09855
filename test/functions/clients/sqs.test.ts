import { SQSClient } from "@aws-sdk/client-sqs";
import { beforeAll, describe, expect, it } from "vitest";
import { type Queues, sqsQueues, UnknownQueueError } from "../../../functions/clients/sqs.ts";
import type { QueueMessage } from "../../../functions/domain/queue-message.ts";
import { createQueues } from "../../../infra/local/aws/infrastructure.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memoryQueues } from "../../support/memory-queues.ts";

const clock = useLocalAws();
const visibilitySeconds = 60;
const maxReceiveCount = 3;
const lanes = ["once", "few", "many", "hidden", "removed", "late", "spent", "expired", "one", "other", "strange"];
const names = [...lanes, ...lanes.map((lane) => `${lane}-dead`)];

const services: [string, () => Promise<Queues>][] = [
  [
    "in memory",
    async () => {
      const queues = memoryQueues({ clock, names, visibilitySeconds, maxReceiveCount });
      const isDead = (queue: string) => queue.endsWith("-dead");
      // A dead-letter queue is a queue like any other in SQS; in memory it is only looked at.
      const dead = (queue: string) => queues.deadLetters(queue.replace("-dead", ""));
      const asReceived = (body: string) => ({ body, handle: "dead", receives: maxReceiveCount + 1 });
      return {
        ...queues,
        receive: async (queue, most) => (isDead(queue) ? dead(queue).map(asReceived) : queues.receive(queue, most)),
      };
    },
  ],
  [
    "in SQS",
    async () => {
      const definitions = lanes.map((name) => ({ name, maxReceiveCount, visibilityTimeoutSeconds: visibilitySeconds }));
      const created = await createQueues(definitions, { sqs: new SQSClient({}) });
      return sqsQueues(
        new Map(
          created.flatMap(({ name, url, deadLetterUrl }) => [
            [name, url],
            [`${name}-dead`, deadLetterUrl],
          ]),
        ),
      );
    },
  ],
];

const message = (sendNo: number): QueueMessage => ({
  sessionId: "01KAJ8Z3M4N5P6Q7R8S9T0V1W2",
  turn: 1,
  attempt: 1,
  sendNo,
});

describe.each(services)("the queues %s", (_, open) => {
  let queues: Queues;
  beforeAll(async () => {
    queues = await open();
  });
  /** What can be received now, whatever it takes. */
  const receiveAll = async (queue: string) => {
    const all = [];
    for (let some = await queues.receive(queue); some.length > 0; some = await queues.receive(queue)) all.push(...some);
    return all;
  };
  const bodiesOf = (received: { body: string }[]) => received.map(({ body }): unknown => JSON.parse(body));

  it("give back what was sent, and say how often", async () => {
    await queues.send("once", [message(1)]);
    const received = await queues.receive("once");
    expect(bodiesOf(received)).toEqual([message(1)]);
    expect(received[0]).toMatchObject({ receives: 1, handle: expect.any(String) });
  });

  it("take ten messages a call and give ten a call, none lost among many", async () => {
    for (const tens of [0, 10, 20]) {
      await queues.send(
        "many",
        Array.from({ length: 10 }, (_none, index) => message(tens + index + 1)),
      );
    }
    expect((await queues.receive("many")).length).toBeLessThanOrEqual(10);
    clock.pass(visibilitySeconds);
    const received = await receiveAll("many");
    const numbers = new Set(bodiesOf(received).map((body) => JSON.stringify(body)));
    expect(numbers.size).toBe(30);
  });

  it("give no more than they are asked for: what is left can still be received", async () => {
    await queues.send("few", [message(1), message(2), message(3)]);
    expect((await queues.receive("few", 1)).length).toBeLessThanOrEqual(1);
    expect((await receiveAll("few")).length).toBeGreaterThanOrEqual(2);
  });

  it("hide a message from others for a while, and then give it again", async () => {
    await queues.send("hidden", [message(1)]);
    expect(await receiveAll("hidden")).toHaveLength(1);
    clock.pass(visibilitySeconds - 1);
    expect(await receiveAll("hidden")).toEqual([]);
    clock.pass(1);
    expect(await receiveAll("hidden")).toMatchObject([{ receives: 2 }]);
  });

  it("give a message that was removed never again", async () => {
    await queues.send("removed", [message(1), message(2)]);
    const received = await receiveAll("removed");
    const first = received.find(({ body }) => body === JSON.stringify(message(1)));
    await queues.remove("removed", [first!.handle]);
    clock.pass(visibilitySeconds);
    expect(bodiesOf(await receiveAll("removed"))).toEqual([message(2)]);
  });

  it("believe the last receipt of a message only", async () => {
    await queues.send("late", [message(1)]);
    const [first] = await receiveAll("late");
    clock.pass(visibilitySeconds);
    const [second] = await receiveAll("late");
    await queues.remove("late", [first!.handle]);
    clock.pass(visibilitySeconds);
    const [third] = await receiveAll("late");
    expect(third).toMatchObject({ receives: 3 });
    await queues.remove("late", [second!.handle, third!.handle]);
    clock.pass(visibilitySeconds);
    expect(await receiveAll("late")).toEqual([]);
  });

  it("set a message aside that was received too often", async () => {
    await queues.send("spent", [message(1)]);
    for (let times = 1; times <= maxReceiveCount; times += 1) {
      expect(await receiveAll("spent")).toMatchObject([{ receives: times }]);
      clock.pass(visibilitySeconds);
    }
    expect(await receiveAll("spent")).toEqual([]);
    expect(bodiesOf(await queues.receive("spent-dead"))).toEqual([message(1)]);
  });

  it("forget a message after four days", async () => {
    await queues.send("expired", [message(1)]);
    clock.pass(4 * 24 * 3600);
    expect(await receiveAll("expired")).toEqual([]);
  });

  it("keep one queue's messages from another's", async () => {
    await queues.send("one", [message(1)]);
    expect(await receiveAll("other")).toEqual([]);
    expect(await receiveAll("one")).toHaveLength(1);
  });

  it("know only the queues they were given", async () => {
    await expect(queues.send("never", [message(1)])).rejects.toThrow(UnknownQueueError);
    await expect(queues.receive("never")).rejects.toThrow(UnknownQueueError);
    await expect(queues.remove("never", ["handle"])).rejects.toThrow(UnknownQueueError);
  });

  it("take from one to ten at once, and nothing else", async () => {
    const eleven = Array.from({ length: 11 }, (_none, index) => message(index + 1));
    await expect(queues.send("strange", [])).rejects.toThrow(/EmptyBatch|at least one/);
    await expect(queues.send("strange", eleven)).rejects.toThrow(/TooManyEntries|[Mm]aximum|10/);
    await expect(queues.remove("strange", [])).rejects.toThrow(/EmptyBatch|at least one/);
    expect(await receiveAll("strange")).toEqual([]);
  });
});
