import { describe, expect, it } from "vitest";
import { bodyStore } from "../../../functions/store/bodies.ts";
import { type RequestEntry, type ResultEntry, turnStore } from "../../../functions/store/turns.ts";
import { memoryObjects } from "../../support/memory-services.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { night, virtualClock } from "../../support/virtual-clock.ts";
import { aSession, aUsage, manifestId, sessionId } from "../domain/support.ts";

function open() {
  const table = memoryTable();
  const clock = virtualClock();
  return { table, clock, turns: turnStore(table, bodyStore(memoryObjects(), clock), clock) };
}

const request = (more: Partial<RequestEntry> = {}): RequestEntry => ({
  sessionId,
  turn: 1,
  hash: "hash-1",
  request: { params: { model: "claude-haiku-5-5" }, betas: [], cacheRetention: "none", message: "Write.", at: night },
  acceptance: aSession(),
  ...more,
});

const result = (more: Partial<ResultEntry> = {}): ResultEntry => ({
  sessionId,
  turn: 1,
  source: manifestId,
  type: "succeeded",
  billed: true,
  outcome: { kind: "answer", status: "done", stopReason: "end_turn", truncated: false },
  usage: aUsage({ input: 10, output: 20 }),
  model: "claude-haiku-5-5",
  tier: "batch",
  receivedAt: night,
  text: '{"custom_id":"x"}',
  ...more,
});

const booking = {
  agentId: "worker",
  lane: "bulk",
  label: "sea",
  model: "claude-haiku-5-5",
  charge: { paid: 9_007_199_254_740_993n, realtime: 18_014_398_509_481_986n, uncached: 7n, cacheWrites: -1n },
};

describe("a request", () => {
  it("is written once, with what its session is made of", async () => {
    const { turns } = open();
    expect(await turns.insertRequest(request())).toEqual({ inserted: true });
    expect(await turns.getRequest(sessionId, 1)).toEqual(request());
  });

  it("is found among many, and one that is missing or damaged keeps no other from being found", async () => {
    const { table, turns } = open();
    const [other, damaged] = [sessionId.replace(/.$/, "X"), sessionId.replace(/.$/, "Y")];
    await turns.insertRequest(request());
    await turns.insertRequest(
      request({ sessionId: other, turn: 2, request: { ...request().request, message: "Go on." } }),
    );
    await table.insert({ pk: `SESSION#${damaged}`, sk: "REQUEST#0001", hash: 7 });
    const asked = [sessionId, damaged, sessionId.replace(/.$/, "Z")].map((one) => ({ sessionId: one, turn: 1 }));
    const found = await turns.getRequests([...asked, { sessionId: other, turn: 2 }]);
    expect([...found.keys()].sort()).toEqual([`${sessionId}.1`, `${other}.2`].sort());
    expect(found.get(`${sessionId}.1`)).toEqual(request());
    expect(found.get(`${other}.2`)?.request.message).toBe("Go on.");
  });

  it("that is there already is never changed; the hash that is there tells", async () => {
    const { turns } = open();
    await turns.insertRequest(request());
    const other = request({ hash: "hash-2", acceptance: aSession({ model: "claude-opus-5" }) });
    expect(await turns.insertRequest(other)).toEqual({ inserted: false, hash: "hash-1", acceptance: aSession() });
    expect(await turns.getRequest(sessionId, 1)).toEqual(request());
  });

  it("may be of a later turn, which accepts no session", async () => {
    const { turns } = open();
    const { acceptance: _none, ...later } = request({ turn: 2 });
    await turns.insertRequest(request());
    expect(await turns.insertRequest(later)).toEqual({ inserted: true });
    expect(await turns.getRequest(sessionId, 2)).toEqual(later);
  });

  it("of 256 KiB comes back as it was", async () => {
    const { turns } = open();
    const large = request({ request: { ...request().request, message: "ü🌙x".repeat(40_000) } });
    await turns.insertRequest(large);
    expect(await turns.getRequest(sessionId, 1)).toEqual(large);
  });

  it("that cannot be read is an error that names it", async () => {
    const { table, turns } = open();
    await table.insert({
      pk: `SESSION#${sessionId}`,
      sk: "REQUEST#0001",
      turn: 1,
      hash: "h",
      body: { kind: "text", text: "{" },
    });
    await expect(turns.getRequest(sessionId, 1)).rejects.toMatchObject({ name: "CorruptRecordError" });
  });
});

describe("a result", () => {
  it("is the ledger's entry: with its usage, its tier and its text", async () => {
    const { turns } = open();
    await turns.insertResult(result());
    const stored = await turns.getResult(sessionId, 1, manifestId);
    expect(stored).toMatchObject({ source: manifestId, tier: "batch", billed: true, usage: { input: 10, output: 20 } });
    expect(await turns.readBody(stored!)).toBe('{"custom_id":"x"}');
  });

  it("has on the same item whom it is booked to and what it costs, exact however large", async () => {
    const { turns } = open();
    await turns.insertResult(result(), booking);
    expect(await turns.getResult(sessionId, 1, manifestId)).toMatchObject(booking);
  });

  it("of one source is written once: the first stays", async () => {
    const { turns } = open();
    await turns.insertResult(result());
    await turns.insertResult(result({ usage: aUsage({ input: 99 }), text: "other" }));
    const stored = await turns.getResult(sessionId, 1, manifestId);
    expect([stored?.usage?.input, await turns.readBody(stored!)]).toEqual([10, '{"custom_id":"x"}']);
  });

  it("of another source or turn is another entry", async () => {
    const { turns } = open();
    await turns.insertResult(result());
    await turns.insertResult(result({ source: "rt-1", tier: "standard" }));
    await turns.insertResult(result({ turn: 2 }));
    const { results } = await turns.read(sessionId);
    expect(results.map(({ turn, source }) => [turn, source])).toEqual([
      [1, manifestId],
      [1, "rt-1"],
      [2, manifestId],
    ]);
  });

  it("without usage stays without: nothing is made up", async () => {
    const { turns } = open();
    const { usage: _none, model: _neither, ...unread } = result();
    await turns.insertResult(unread);
    expect(await turns.getResult(sessionId, 1, manifestId)).not.toHaveProperty("usage");
  });

  it("that was never written is not there", async () => {
    expect(await open().turns.getResult(sessionId, 1, manifestId)).toBeUndefined();
  });
});

describe("the facts of a session", () => {
  it("are all there, by turn", async () => {
    const { turns } = open();
    await turns.insertRequest(request());
    await turns.insertResult(result());
    await turns.putAttempt({ sessionId, turn: 1, run: "rt-1", startedAt: night });
    await turns.insertDelivery({ sessionId, turn: 1, id: `${sessionId}.1.completed`, at: night });
    const facts = await turns.read(sessionId);
    expect([...facts.requests.keys()]).toEqual([1]);
    expect(facts.results).toHaveLength(1);
    expect(facts.attempts).toEqual([{ turn: 1, run: "rt-1", startedAt: night }]);
    expect(facts.deliveries.get(1)).toMatchObject({ id: `${sessionId}.1.completed`, at: night });
  });

  it("are all read, more than one page of the table", async () => {
    const { turns } = open();
    for (let turn = 1; turn <= 12; turn += 1) {
      // What does not compress: twelve of these are over a page of 1 MB.
      const text = Array.from({ length: 260_000 }, (_none, index) =>
        String.fromCharCode(33 + (((index * index * turn * 7919) >> 5) % 94)),
      ).join("");
      await turns.insertResult(result({ turn, text }));
    }
    expect((await turns.read(sessionId)).results).toHaveLength(12);
  });

  it("of one session are not those of another", async () => {
    const { turns } = open();
    await turns.insertRequest(request());
    expect((await turns.read("01KAJ8Z3M4N5P6Q7R8S9T0V1W3")).requests.size).toBe(0);
  });

  it("say of a delivery when it was noted first", async () => {
    const { turns } = open();
    for (const at of [night, night + 60_000]) await turns.insertDelivery({ sessionId, turn: 1, id: "id", at });
    expect((await turns.read(sessionId)).deliveries.get(1)).toMatchObject({ at: night });
  });
});
