import { join } from "node:path";
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { describe, expect, it, onTestFinished } from "vitest";
import { type BusEvent, openEventStore } from "../../../../infra/local/aws/event-store.ts";
import { startEvents } from "../../../../infra/local/aws/events.ts";
import { clientOptions, temporaryHome, testDeps, until } from "./support.ts";

type OnEvents = (events: readonly BusEvent[]) => void | Promise<void>;

async function setUp({ onEvents = () => {}, home = temporaryHome() }: { onEvents?: OnEvents; home?: string } = {}) {
  const deps = testDeps();
  const server = await startEvents(join(home, "events.sqlite"), { ...deps, onEvents });
  const client = new EventBridgeClient({ ...clientOptions, endpoint: server.url });
  const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
  const listed = async (limit = 100): Promise<BusEvent[]> =>
    JSON.parse(await (await fetch(`${server.url}/events?limit=${limit}`)).text()).events;
  const stop = async () => {
    client.destroy();
    await server.close();
  };
  return { put, listed, stop, home, deps, deliver: server.deliver, url: server.url };
}

async function running(options?: Parameters<typeof setUp>[0]) {
  const context = await setUp(options);
  onTestFinished(context.stop);
  return context;
}

const entry = (detail: unknown = {}, more: Partial<PutEventsRequestEntry> = {}) => ({
  Source: "offpeak",
  DetailType: "session.completed",
  Detail: JSON.stringify(detail),
  ...more,
});

describe("an event", () => {
  it("reaches its target in the shape EventBridge gives it", async () => {
    const taken: BusEvent[] = [];
    const { put, deliver } = await running({ onEvents: (events) => void taken.push(...events) });
    deliver();
    const Time = new Date("2026-11-21T10:00:00Z");
    const answer = await put(entry({ sessionId: "s1" }, { Time, Resources: ["r1"] }));
    expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: "id-1" }] });
    await until(
      () => taken.length,
      (count) => count === 1,
    );
    expect(taken).toEqual([
      {
        version: "0",
        id: "id-1",
        "detail-type": "session.completed",
        source: "offpeak",
        account: "000000000000",
        time: "2026-11-21T10:00:00Z",
        region: "us-east-1",
        resources: ["r1"],
        detail: { sessionId: "s1" },
      },
    ]);
  });

  it("comes again when its target fails, without holding up the next one", async () => {
    const taken: unknown[] = [];
    const { put, deliver, deps } = await running({
      onEvents: async ([event]) => {
        taken.push(event?.detail["n"]);
        if (taken.length === 1) throw new Error("not now");
      },
    });
    deliver();
    await put(entry({ n: 1 }), entry({ n: 2 }));
    await until(
      () => taken.length,
      (count) => count === 2,
    );
    expect(deps.logged).toEqual(["local EventBridge: event id-1 was not taken: Error: not now"]);
    deps.pass(1);
    await put(entry({ n: 3 }));
    await until(
      () => taken.length,
      (count) => count === 4,
    );
    expect(taken.filter((n) => n === 1)).toHaveLength(2);
  });

  it("acknowledged before a stop is delivered after the next start", async () => {
    const first = await setUp({ onEvents: () => expect.unreachable("delivery was not started") });
    await first.put(entry({ n: 1 }));
    await first.stop();
    const taken: unknown[] = [];
    const second = await running({ home: first.home, onEvents: (events) => void taken.push(events[0]?.detail) });
    second.deliver();
    await until(
      () => taken.length,
      (count) => count === 1,
    );
    expect(taken).toEqual([{ n: 1 }]);
  });
});

describe("PutEvents", () => {
  it("names what is wrong with each entry and keeps the good ones", async () => {
    const { put, listed } = await running();
    const answer = await put(
      entry({ n: 1 }),
      entry({}, { Detail: "{broken" }),
      entry({}, { Detail: "[]" }),
      { DetailType: "t", Detail: "{}" },
      { Source: "s", Detail: "{}" },
      { Source: "s", DetailType: "t" },
      entry({}, { Source: "aws.s3" }),
      entry({}, { DetailType: "x".repeat(129) }),
    );
    expect(answer.FailedEntryCount).toBe(7);
    expect(answer.Entries?.map(({ EventId, ErrorCode }) => EventId ?? ErrorCode)).toEqual([
      "id-1",
      "MalformedDetail",
      "MalformedDetail",
      "InvalidArgument",
      "InvalidArgument",
      "InvalidArgument",
      "NotAuthorizedForSourceException",
      "InvalidArgument",
    ]);
    expect((await listed()).map(({ detail }) => detail)).toEqual([{ n: 1 }]);
  });

  it("takes one to ten entries", async () => {
    const { put, listed } = await running();
    const refused = { name: "ValidationException", message: expect.stringMatching(/'entries' failed to satisfy/) };
    await expect(put()).rejects.toMatchObject(refused);
    await expect(put(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject(refused);
    expect(await listed()).toEqual([]);
    expect(await put(...Array.from({ length: 10 }, () => entry()))).toMatchObject({ FailedEntryCount: 0 });
  });

  it("takes less than 1 MiB in all", async () => {
    const { put } = await running();
    const half = entry({ text: "x".repeat(524_288) });
    await expect(put(half, half)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringMatching(/over the limit/),
    });
    expect(await put(half)).toMatchObject({ FailedEntryCount: 0 });
  });

  it("refuses a time no clock can show, without a 5xx", async () => {
    const { url } = await running();
    const answer = await fetch(url, {
      method: "POST",
      headers: { "x-amz-target": "AWSEvents.PutEvents" },
      body: JSON.stringify({ Entries: [{ ...entry(), Time: 1e30 }] }),
    });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("Time")]);
  });
});

describe("the event log", () => {
  it("lists the newest first", async () => {
    const { put, listed } = await running();
    await put(entry({ n: 1 }), entry({ n: 2 }), entry({ n: 3 }));
    expect((await listed(2)).map(({ detail }) => detail["n"])).toEqual([3, 2]);
  });

  it("forgets the oldest beyond 10,000, but none that still waits for its target", () => {
    const store = openEventStore(join(temporaryHome(), "events.sqlite"), testDeps());
    onTestFinished(store.close);
    const event = (n: number): BusEvent => ({
      version: "0",
      id: `${n}`,
      "detail-type": "t",
      source: "s",
      account: "a",
      time: "2026-01-01T00:00:00Z",
      region: "r",
      resources: [],
      detail: { n },
    });
    store.add([event(1), event(2)]);
    store.delivered(2);
    store.add(Array.from({ length: 10_000 }, (_, at) => event(at + 3)));
    const ids = store.newest(20_000).map(({ id }) => id);
    expect(ids).toHaveLength(10_001);
    expect(ids.slice(-2)).toEqual(["3", "1"]);
  });
});
