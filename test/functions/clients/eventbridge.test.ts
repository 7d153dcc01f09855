import { describe, expect, it } from "vitest";
import { type Events, eventBridge } from "../../../functions/clients/eventbridge.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memoryEvents } from "../../support/memory-services.ts";

useLocalAws();

const services: [string, () => Events][] = [
  ["in memory", () => memoryEvents()],
  ["in EventBridge", () => eventBridge("offpeak")],
];
const event = (detail: string) => ({ detailType: "session.completed", detail });

describe.each(services)("the bus %s", (_, open) => {
  it("takes up to ten events, and says so of each", async () => {
    const ten = Array.from({ length: 10 }, (_none, index) => event(JSON.stringify({ id: `${index}` })));
    expect(await open().put(ten)).toEqual(ten.map(() => true));
  });

  it("refuses an entry without refusing the others, in their order", async () => {
    const mixed = [event('{"id":"1"}'), event("not JSON"), event("[1]"), event('{"id":"2"}')];
    expect(await open().put(mixed)).toEqual([true, false, false, true]);
  });

  it("takes no more than ten, and no fewer than one", async () => {
    const eleven = Array.from({ length: 11 }, () => event("{}"));
    await expect(open().put(eleven)).rejects.toThrow();
    await expect(open().put([])).rejects.toThrow();
  });

  it("takes no more than a megabyte in all", async () => {
    const large = event(JSON.stringify({ text: "x".repeat(600_000) }));
    expect(await open().put([large])).toEqual([true]);
    await expect(open().put([large, large])).rejects.toThrow();
  });
});

describe("the bus in memory", () => {
  it("keeps what it took, and refuses what a test says", async () => {
    const bus = memoryEvents(({ detail }) => detail.includes("no"));
    expect(await bus.put([event('{"id":"yes"}'), event('{"id":"no"}')])).toEqual([true, false]);
    expect(bus.taken).toEqual([event('{"id":"yes"}')]);
  });
});
