import { describe, expect, it } from "vitest";
import { createBodies, requestsOf } from "../../support/batches.ts";
import { type TestWorld, testWorld } from "../../support/world.ts";

/** What a handler's own death looks like from inside: nothing is answered any more. */
type Ending = "dies" | "throws";

/** A process in which one thing ends it, or throws; what it had begun takes hold, and nothing after it. */
function fragile(ending: Ending) {
  const death = Promise.withResolvers<void>();
  return {
    strike(): Promise<never> {
      if (ending === "throws") return Promise.reject(new TypeError("a bug"));
      death.resolve();
      return new Promise<never>(() => {});
    },
    run: (work: () => Promise<unknown>) => Promise.race([work(), death.promise]).catch(() => {}),
  };
}

/** The request of one session is what breaks whoever loads it. */
function loadBreaks(world: TestWorld, poison: string, ending: Ending) {
  const process = fragile(ending);
  const { turns } = world.deps;
  const getRequest: typeof turns.getRequest = (id, turn) =>
    id === poison ? process.strike() : turns.getRequest(id, turn);
  const getRequests: typeof turns.getRequests = (keys) =>
    keys.some(({ sessionId }) => sessionId === poison) ? process.strike() : turns.getRequests(keys);
  return { process, differently: { turns: { ...turns, getRequest, getRequests } } };
}

/** Its claim takes hold, and is the last that the batcher does. */
function claimBreaks(world: TestWorld, poison: string, ending: Ending) {
  const process = fragile(ending);
  const { sessions } = world.deps;
  const move: typeof sessions.move = async (name, seen, ...rest) => {
    const moved = await sessions.move(name, seen, ...rest);
    return name === "claim" && seen.sessionId === poison ? process.strike() : moved;
  };
  return { process, differently: { sessions: { ...sessions, move } } };
}

/** Whoever puts it into a call dies in it. */
function callBreaks(world: TestWorld, poison: string, ending: Ending) {
  const process = fragile(ending);
  const anthropicFor: typeof world.deps.anthropicFor = (lane) => {
    const anthropic = world.deps.anthropicFor(lane);
    const createBatch: typeof anthropic.createBatch = (create) =>
      [...create.lines].some((line) => line.includes(poison)) ? process.strike() : anthropic.createBatch(create);
    return { ...anthropic, createBatch };
  };
  return { process, differently: { anthropicFor } };
}

const places = { "loads its request": loadBreaks, "claims it": claimBreaks, "calls with it": callBreaks };
const cases = Object.entries(places).flatMap(([place, breaks]) =>
  (["dies", "throws"] as const).map((ending) => ({ place, breaks, ending })),
);

async function ticksUntil(isOver: () => Promise<boolean>, tick: () => Promise<unknown>, most: number): Promise<number> {
  for (let count = 1; count <= most; count += 1) {
    await tick();
    if (await isOver()) return count;
  }
  throw new Error(`not in ${most} ticks`);
}

const statusOf = async (world: TestWorld, id: string) => (await world.see(id))["status"];

describe.each(cases)("a session over which the batcher $ending each time it $place", ({ breaks, ending }) => {
  it("fails alone, with a reason, after bounded attempts; whoever was beside it is done", async () => {
    const world = testWorld();
    const sound = [await world.accept("One."), await world.accept("Two.")];
    const poison = await world.accept("Poison.");
    sound.push(await world.accept("Three."), await world.accept("Four."));
    const tick = async () => {
      const { process, differently } = breaks(world, poison, ending);
      await process.run(() => world.batchWith(differently));
      await world.poll();
      world.pass(60);
    };
    await ticksUntil(async () => (await statusOf(world, poison)) === "failed", tick, 24 * 60);
    expect(await world.see(poison)).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { type: "poison", message: expect.stringContaining("6 attempts") },
    });
    expect(await Promise.all(sound.map((id) => statusOf(world, id)))).toEqual(sound.map(() => "done"));
    // Nobody was paid for twice, and it was never paid for.
    const sent = requestsOf(world).map(({ custom_id }) => custom_id.slice(0, 26));
    expect(sent.toSorted()).toEqual(sound.toSorted());
    // Its message is a dead letter in the end, and nobody else's is.
    await ticksUntil(async () => world.queues.bodies("default").length === 0, tick, 24 * 60);
    const letters = world.queues.deadLetters("default").map((letter): { sessionId: string } => JSON.parse(letter));
    expect(new Set(letters.map(({ sessionId }) => sessionId))).toEqual(new Set([poison]));
    expect(world.told(poison)).toEqual([{ id: `${poison}.1.completed`, status: "failed" }]);
  });
});

describe("the message of a poisoned session", () => {
  it.each(["dies", "throws"] as const)(
    "becomes a dead letter where the batcher %s; redriven, it is dropped",
    async (ending) => {
      const world = testWorld();
      const poison = await world.accept("Poison.");
      const tick = async () => {
        const { process, differently } = loadBreaks(world, poison, ending);
        await process.run(() => world.batchWith(differently));
        await world.poll();
        world.pass(60);
      };
      const isOver = async () =>
        (await statusOf(world, poison)) === "failed" && world.queues.bodies("default").length === 0;
      await ticksUntil(isOver, tick, 24 * 60);
      const [letter = ""] = world.queues.deadLetters("default");
      expect(JSON.parse(letter)).toMatchObject({ sessionId: poison });
      world.queues.put("default", letter);
      await world.batch();
      expect(world.queues.bodies("default")).toEqual([]);
      expect(await world.see(poison)).toMatchObject({ status: "failed", error: { type: "poison" } });
      expect(createBodies(world)).toEqual([]);
    },
  );
});

describe("a real-time session over which the worker breaks before its call", () => {
  it.each(["dies", "throws"] as const)(
    "%s: fails alone, unpaid, and its message becomes a dead letter",
    async (ending) => {
      const world = testWorld();
      const poison = await world.accept("Poison.", { agentId: "live" });
      const sound = await world.accept("Sound.", { agentId: "live" });
      const tick = async () => {
        const { process, differently } = loadBreaks(world, poison, ending);
        await process.run(() => world.workRealtime(differently));
        await world.poll();
        world.pass(60);
      };
      const isOver = async () =>
        (await statusOf(world, poison)) === "failed" && world.queues.bodies("realtime").length === 0;
      await ticksUntil(isOver, tick, 24 * 60);
      expect(await world.see(poison)).toMatchObject({ error: { type: "poison" } });
      // The one beside it may have waited for the next worker, and is done.
      expect(await statusOf(world, sound)).toBe("done");
      expect(world.called("POST /v1/messages")).toBe(1);
      const letters = world.queues.deadLetters("realtime");
      expect(letters.length).toBeGreaterThan(0);
      world.queues.put("realtime", letters[0] ?? "");
      await world.workRealtime();
      expect(world.queues.bodies("realtime")).toEqual([]);
      expect(await world.see(poison)).toMatchObject({ status: "failed", error: { type: "poison" } });
    },
  );
});

/** As the SDK throws it when the service does not answer. */
const away = () => Object.assign(new Error("connect ECONNREFUSED"), { $metadata: { attempts: 5 } });

describe("what is nobody's fault is counted against nobody", () => {
  it("not a bucket that is away for a day: whoever was received again and again is sent when it is back", async () => {
    const world = testWorld();
    const ids = [await world.accept("One."), await world.accept("Two.", { agentId: "live" })];
    const turns = { ...world.deps.turns, getRequest: () => Promise.reject(away()) };
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await world.batchWith({ turns });
      await world.workRealtime({ turns });
      await world.poll();
      world.pass(60);
    }
    for (const id of ids) expect((await world.see(id))["visits"] ?? 0).toBe(0);
    await ticksUntil(
      async () => (await Promise.all(ids.map((id) => statusOf(world, id)))).every((status) => status === "done"),
      () => world.ticks(),
      240,
    );
  });

  it("not a lane that is parked for weeks, even for one that is suspect already", async () => {
    const world = testWorld();
    const id = await world.accept();
    await world.deps.sessions.note("visit", (await world.deps.sessions.get(id))!, { visits: 5 });
    world.api.faults.set({ kind: "credit", on: "create" });
    for (let hour = 0; hour < 21 * 24; hour += 1) {
      await world.batch();
      await world.poll();
      world.pass(3600);
    }
    expect(await world.see(id)).toMatchObject({ status: "queued", attempt: 1 });
    world.api.faults.clear();
    await ticksUntil(
      async () => (await statusOf(world, id)) === "done",
      () => world.ticks(),
      240,
    );
  });

  it("not an answer that was lost: a call that came back speaks for everyone in it", async () => {
    const world = testWorld();
    const id = await world.accept();
    world.api.faults.set({ kind: "server_error", on: "create", times: 1 });
    await ticksUntil(
      async () => (await statusOf(world, id)) === "queued" && world.called("GET /v1/messages/batches") > 2,
      () => world.ticks(),
      60,
    );
    expect(await world.see(id)).not.toHaveProperty("visits");
  });
});
