import { describe, expect, it } from "vitest";
import { noName } from "../../../functions/domain/rollup.ts";
import { booksOf, daysOf, ledgerOf, priceOf } from "../../support/money.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

const paidBy = (world: TestWorld) => world.api.model.bill().reduce((sum, line) => sum + priceOf(line), 0n);
const only = (world: TestWorld) => {
  const [rollup, ...others] = daysOf(world.table.items()).values();
  expect(others).toEqual([]);
  return rollup!;
};
const unsummed = (world: TestWorld) => world.table.items().filter(({ pk }) => pk === "UNSUMMED");

/** One batched, one real-time, and one whose fallback and batch both answer. */
async function work(world: TestWorld) {
  await world.accept("Batched.", { label: "sea" });
  await world.accept("Now.", { agentId: "live" });
  await world.accept("[[stand-in: slow 1800]] Hurry.", { timeoutSeconds: 1_700, onDeadline: "fallback" });
}

/** Until nothing is open, waits for its end or is yet to be summed. */
async function toRest(world: TestWorld) {
  const isOpen = () =>
    world.table.items().some(({ pk, due }) => pk === "OPEN" || pk === "UNSUMMED" || due !== undefined);
  for (let ticks = 0; ticks < 60 && isOpen(); ticks += 1) await world.ticks();
}

describe("the sums over the ledger", () => {
  it("are those of every result, batched or real-time, to the pico-dollar", async () => {
    const world = testWorld();
    await work(world);
    await world.ticks(60);
    const items = world.table.items();
    expect(booksOf(items)).toEqual({ paid: paidBy(world), missing: 0 });
    expect(ledgerOf(items)).toEqual(booksOf(items));
    const { all, by } = only(world);
    expect(all).toMatchObject({ results: 4, missing: 0 });
    expect(all.duplicate).toBeGreaterThan(0n);
    expect([...by.agent.keys()].toSorted()).toEqual(["live", "worker"]);
    expect([...by.label.keys()].toSorted()).toEqual([noName, "sea"]);
    expect(unsummed(world)).toEqual([]);
  });

  it("are there in the tick in which a batch was settled", async () => {
    const world = testWorld();
    const sessionId = await world.accept();
    while ((await world.see(sessionId))["status"] !== "done") await world.ticks();
    expect(only(world).all.results).toBe(1);
  });

  it("are made on the way by the reading that settles a batch, as the ledger would make them", async () => {
    const world = testWorld();
    for (const label of ["sea", "land", "sea"]) await world.accept("Batched.", { label });
    await world.accept("[[stand-in: refusal]]");
    await world.accept("[[stand-in: errored invalid_request_error]]");
    await world.batch();
    world.pass(900);
    const { turns, books } = world.deps;
    const reads = async () => expect.fail("the ledger was read");
    await world.poll({ turns: { ...turns, getResults: reads } });
    const onTheWay = only(world);
    expect(onTheWay.all.results).toBe(4);
    const [head] = world.table.items().filter(({ sk }) => sk === "HEAD");
    await books.mark("MANIFEST", String(head?.["manifestId"]));
    await world.poll();
    expect(only(world)).toEqual(onTheWay);
    expect(booksOf(world.table.items())).toEqual({ paid: paidBy(world), missing: 0 });
  });

  it("are made from the ledger where an earlier reading has booked some of it", async () => {
    const world = testWorld();
    for (let task = 0; task < 3; task += 1) await world.accept("Batched.");
    await world.batch();
    world.pass(900);
    const { turns } = world.deps;
    let isFirst = true;
    const insertResult: typeof turns.insertResult = async (...entry) => {
      const isNew = await turns.insertResult(...entry);
      if (!isFirst) return isNew;
      isFirst = false;
      throw new Error("the answer was lost");
    };
    await world.poll({ turns: { ...turns, insertResult } });
    await world.ticks(3);
    expect(only(world).all.results).toBe(3);
    expect(booksOf(world.table.items())).toEqual({ paid: paidBy(world), missing: 0 });
  });

  it("are of the day on which a batch was made, whenever it is settled", async () => {
    const world = testWorld();
    const made = new Date(world.clock.now()).toISOString().slice(0, 10);
    await world.accept("[[stand-in: slow 80000]] Slow.");
    await world.ticks(1);
    world.pass(82_000);
    await world.ticks(3);
    expect([...daysOf(world.table.items()).keys()]).toEqual([made]);
  });

  it("tell what was paid after a cancel, and nothing of what was not billed", async () => {
    const world = testWorld();
    const sessionId = await world.accept("Canceled.");
    await world.accept("[[stand-in: errored invalid_request_error]]");
    await world.batch();
    await world.http(`/api/sessions/${sessionId}/cancel`, { method: "POST" });
    await world.ticks(20);
    const { all } = only(world);
    expect(all).toMatchObject({ results: 1, missing: 0 });
    expect(all.afterCancel).toBe(all.paid);
    expect(all.paid).toBe(paidBy(world));
  });

  it("know how an answer stood, though its session has gone on since", async () => {
    const world = testWorld();
    const sessionId = await world.accept("[[stand-in: pause_turn 2]] Think.");
    await world.ticks(40);
    const follow = await world.http(`/api/sessions/${sessionId}/messages`, {
      method: "POST",
      body: JSON.stringify({ message: "And then?" }),
    });
    expect(follow.status).toBe(202);
    await world.ticks(20);
    const { all } = only(world);
    expect(all).toMatchObject({ results: 4, duplicate: 0n, late: 0n, afterCancel: 0n });
    expect(all.paid).toBe(paidBy(world));
  });

  it("count a real-time call of which nobody knows what came as missing", async () => {
    const world = testWorld();
    world.api.faults.set({ on: "message", kind: "lost_response", times: 1 });
    await world.accept("Now.", { agentId: "live" });
    await world.ticks(30);
    expect(only(world).all).toMatchObject({ results: 2, missing: 1 });
    expect(booksOf(world.table.items())).toEqual(ledgerOf(world.table.items()));
  });

  it("count whoever's results are lost as missing", async () => {
    const world = testWorld();
    const sessionIds = [await world.accept("One."), await world.accept("Two.")];
    await world.batch();
    await world.http(`/api/sessions/${sessionIds[0]}/cancel`, { method: "POST" });
    world.api.faults.set({ on: "results", kind: "not_found", times: 1_000_000 });
    for (let hour = 0; hour < 80; hour += 1) {
      await world.poll();
      world.pass(3_600);
    }
    expect(only(world).all).toMatchObject({ results: 2, missing: 2, paid: 0n });
  });

  it("wait for a real-time call that may still be answered, and for one whose move is not made yet", async () => {
    const world = testWorld();
    await world.accept("Now.", { agentId: "live" });
    const dying = world.crashing({ at: (what) => what.startsWith("anthropic.createMessage"), when: "after" });
    await dying.process.run(() => dying.workRealtime());
    await world.poll();
    expect(booksOf(world.table.items())).toEqual({ paid: 0n, missing: 0 });
    expect(unsummed(world)).toHaveLength(1);
    await world.ticks(30);
    expect(unsummed(world)).toEqual([]);
    expect(only(world).all).toMatchObject({ results: 2, missing: 1 });
  });

  it("are made anew for a call that was answered long after it was given up", async () => {
    const world = testWorld();
    await world.accept("Now.", { agentId: "live" });
    const [received] = await world.queues.receive("realtime");
    const { anthropicFor } = world.deps;
    const late: typeof anthropicFor = (credential) => {
      const anthropic = anthropicFor(credential);
      const createMessage: typeof anthropic.createMessage = async (call) => {
        const answer = await anthropic.createMessage(call);
        await world.ticks(40);
        expect(only(world).all.missing).toBe(1);
        return answer;
      };
      return { ...anthropic, createMessage };
    };
    await world.runMessageWith(received!.body, { anthropicFor: late });
    await world.ticks();
    expect(booksOf(world.table.items())).toEqual({ paid: paidBy(world), missing: 0 });
    expect(unsummed(world)).toEqual([]);
  });

  it("cost nothing where nothing happens: no write, and a question a kind", async () => {
    const world = testWorld();
    await world.poll();
    const idle = world.crashing({ at: () => false, when: "before" });
    await idle.process.run(() => idle.poll());
    const sums = idle.process.trace.filter((what) => /UNSUMMED|SPENT|USAGE|RUNS/.test(what));
    expect(sums.every((what) => what.startsWith("table.query"))).toBe(true);
    expect(world.table.items().filter(({ pk }) => /^(UNSUMMED|SPENT|USAGE|RUNS)/.test(pk))).toEqual([]);
  });
});

describe("a process that dies while it sums, or before", () => {
  const ticksOf = async (world: ReturnType<TestWorld["crashing"]>) => {
    await world.batch();
    await world.workRealtime();
    await world.poll();
  };

  it.each(["before", "after"] as const)("at any one call, %s it took hold, makes no sum wrong", async (when) => {
    const all = testWorld();
    await work(all);
    await all.batch();
    all.pass(1_680);
    const watched = all.crashing({ at: () => false, when });
    await watched.process.run(() => ticksOf(watched));
    const calls = watched.process.trace.length;
    expect(calls).toBeGreaterThan(40);
    for (let no = 1; no <= calls; no += 1) {
      const world = testWorld();
      await work(world);
      await world.batch();
      world.pass(1_680);
      const dying = world.crashing({ at: (_, count) => count === no, when });
      await dying.process.run(() => ticksOf(dying));
      await toRest(world);
      const items = world.table.items();
      expect(booksOf(items), `call ${no}: ${dying.process.trace.at(-1)}`).toEqual(ledgerOf(items));
      expect(unsummed(world), `call ${no}`).toEqual([]);
    }
  });
});

describe("a rebuild", () => {
  it("makes every sum of a day anew, out of the ledger alone", async () => {
    const world = testWorld();
    await work(world);
    await world.ticks(60);
    const before = daysOf(world.table.items());
    const sums = world.table.items().filter(({ pk }) => /^(SPENT|USAGE)#/.test(pk));
    expect(sums.length).toBeGreaterThan(3);
    await world.table.transact(sums.map(({ pk, sk }) => ({ remove: { key: { pk, sk }, when: [] } })));
    const answer = await world.http("/api/usage/rebuild", { method: "POST" });
    expect([answer.status, JSON.parse(await answer.text())]).toEqual([202, { status: "accepted", days: 30 }]);
    await world.poll();
    expect(daysOf(world.table.items()).get([...before.keys()][0]!)).toEqual([...before.values()][0]);
    expect(unsummed(world)).toEqual([]);
  });
});
