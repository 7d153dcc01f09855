import { describe, expect, it } from "vitest";
import { testWorld } from "../../support/world.ts";

const config = {
  agents: {
    list: [
      { id: "bulk", delivery: "digest", cacheRetention: "none" },
      { id: "other", delivery: "digest", cacheRetention: "none" },
      { id: "single", cacheRetention: "none" },
    ],
  },
};

type World = ReturnType<typeof testWorld>;
interface Digest {
  agentId: string;
  count: number;
  done?: string[];
  failed?: string[];
}

async function accept(world: World, count: number, more: Record<string, unknown> = {}): Promise<string[]> {
  const tasks = Array.from({ length: count }, (_, index) => ({ task: `Task ${index}.`, ...more }));
  const answer = await world.http("/api/sessions/spawn/bulk", { method: "POST", body: JSON.stringify(tasks) });
  const { results }: { results: { sessionId: string }[] } = JSON.parse(await answer.text());
  return results.map(({ sessionId }) => sessionId);
}

function digestsOf(world: World): Digest[] {
  return world.events.taken.flatMap(({ detailType, detail }) =>
    detailType === "sessions.completed" ? [JSON.parse(detail)] : [],
  );
}

const idOf = (sessionId: string) => `${sessionId}.1.completed`;
/** Every turn whose delivery is noted, as often as it is. */
const deliveries = (world: World) =>
  world.table
    .items()
    .flatMap(({ pk, sk, turns }) => {
      if (sk.startsWith("DELIVERED#") && Array.isArray(turns)) return turns.map((turn) => `${turn}.completed`);
      return sk === "DELIVERY#0001" ? [idOf(pk.replace("SESSION#", ""))] : [];
    })
    .toSorted();

describe("a digest", () => {
  it("tells every end once, with the id of the fact that notes its delivery", async () => {
    const world = testWorld({ config });
    const ids = await accept(world, 450);
    await world.ticks(13);
    const told = digestsOf(world).flatMap(({ done = [] }) => done);
    expect(told.toSorted()).toEqual(ids.map(idOf).toSorted());
    expect(deliveries(world)).toEqual(told.toSorted());
    expect(world.events.taken.length).toBeLessThanOrEqual(5);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done", delivered: true });
  });

  it("is of one agent, says how each turn ended, and leaves the others their own events", async () => {
    const world = testWorld({ config });
    const [bad] = await accept(world, 1, { task: "[[stand-in: errored invalid_request_error]]" });
    const good = await accept(world, 2);
    const others = await accept(world, 3, { agentId: "other" });
    const singles = await accept(world, 4, { agentId: "single" });
    await world.ticks(13);
    const digests = digestsOf(world);
    expect(digests.map(({ agentId, count }) => [agentId, count])).toEqual([
      ["bulk", 3],
      ["other", 3],
    ]);
    expect(digests[0]).toMatchObject({ failed: [idOf(bad!)], done: good.map(idOf) });
    expect(digests[1]?.done?.toSorted()).toEqual(others.map(idOf).toSorted());
    for (const sessionId of singles) expect(world.told(sessionId)).toEqual([{ id: idOf(sessionId), status: "done" }]);
  });

  it("which the bus did not take stays due, turn by turn, and is put again", async () => {
    let isAway = true;
    const world = testWorld({ config, isRefused: () => isAway });
    const ids = await accept(world, 20);
    await world.ticks(13);
    expect(await world.see(ids[0]!)).toMatchObject({ status: "done" });
    expect(deliveries(world)).toHaveLength(0);
    isAway = false;
    await world.ticks(4);
    expect(deliveries(world)).toHaveLength(20);
    expect(
      digestsOf(world)
        .flatMap(({ done = [] }) => done)
        .toSorted(),
    ).toEqual(ids.map(idOf).toSorted());
  });

  it("of which one end could not be noted repeats that one, and no other", async () => {
    let isAway = true;
    const world = testWorld({ config, isRefused: () => isAway });
    const ids = await accept(world, 20);
    const { turns } = world.deps;
    const insertDelivery: typeof turns.insertDelivery = (delivery) =>
      delivery.sessionId === ids[7] ? Promise.reject(new Error("InternalServerError")) : turns.insertDelivery(delivery);
    await world.batch();
    world.pass(900);
    await world.poll();
    isAway = false;
    world.pass(120);
    await world.poll({ turns: { ...turns, insertDelivery } });
    await world.ticks(4);
    expect(digestsOf(world).map(({ count }) => count)).toEqual([20, 1]);
    expect(digestsOf(world)[1]?.done).toEqual([idOf(ids[7]!)]);
    expect(deliveries(world)).toHaveLength(20);
  });
});
