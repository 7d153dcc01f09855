import { describe, expect, it } from "vitest";
import { isTerminal, statuses } from "../../../functions/domain/session.ts";
import { itemVersion } from "../../../functions/store/versions.ts";
import { everyKind, kindOf, sampledKinds, sampleItems, worldOf } from "../../support/every-kind.ts";
import { booksOf } from "../../support/money.ts";
import { testWorld } from "../../support/world.ts";

/** When the samples of the first version were taken. */
const taken = 1_795_320_700_000;
const metas = (items: readonly { sk: string; pk: string }[]) => items.filter(({ sk }) => sk === "META");

describe("every kind of item", () => {
  it("carries the version of its writer, and has a sample of how it was written", async () => {
    const items = (await everyKind()).table.items();
    expect(items.filter((item) => item["v"] !== itemVersion).map(kindOf)).toEqual([]);
    const sampled = sampledKinds();
    expect([...new Set(items.map(kindOf))].filter((kind) => !sampled.has(kind))).toEqual([]);
  });
});

describe("what the first version wrote", () => {
  it("is shown whole: every session with its turns and cost, every batch, and the books", async () => {
    const world = await worldOf("v1", taken);
    for (const { pk } of metas(sampleItems("v1"))) {
      const id = pk.replace("SESSION#", "");
      const shown = await (await world.http(`/api/sessions/${id}`)).json();
      expect(shown, id).toMatchObject({ sessionId: id, status: expect.any(String) });
      expect(shown, id).not.toHaveProperty("damaged");
      const history = await (await world.http(`/api/sessions/${id}/history`)).json();
      expect(history, id).toMatchObject({ messages: expect.arrayContaining([expect.anything()]) });
    }
    const { batches } = (await (await world.http("/api/batches")).json()) as { batches: object[] };
    expect(batches.length).toBeGreaterThan(5);
    for (const batch of batches) expect(batch).not.toHaveProperty("damaged");
    expect((await world.http("/api/lanes")).status).toBe(200);
    expect((await world.http("/api/budgets")).status).toBe(200);
    expect((await world.http("/api/agents")).status).toBe(200);
    const { tokens } = (await (await world.http("/api/tokens")).json()) as { tokens: { state: string }[] };
    expect(tokens.map(({ state }) => state).toSorted()).toEqual(["expired", "revoked"]);
    expect(world.codes().filter((code) => code === "record_corrupt" || code === "manifest_unreadable")).toEqual([]);
  });

  it("is finished by today's code: what was queued, running, never sent, or sent and never heard of", async () => {
    const world = await worldOf("v1", taken);
    const before = metas(sampleItems("v1")).map((item) => statuses.find((one) => one === Reflect.get(item, "status")));
    expect(new Set(before.filter((status) => status !== undefined && !isTerminal(status)))).toEqual(
      new Set(["queued", "submitted", "running"]),
    );
    await world.ticks(120);
    for (const { pk } of metas(world.table.items())) {
      const seen = await world.see(pk.replace("SESSION#", ""));
      expect(seen).toMatchObject({ status: expect.stringMatching(/^(done|failed|canceled)$/), delivered: true });
    }
    // Its session was canceled, and its batch is at the Anthropic of that night.
    expect(await world.deps.manifests.open()).toMatchObject([{ lane: "bulk" }]);
    expect(booksOf(world.table.items()).paid).toBeGreaterThan(0n);
    expect(world.codes()).not.toContain("record_corrupt");
  });
});

describe("what a later version wrote", () => {
  it("is left as it is after a step back, with an alarm, and is read again after a step forward", async () => {
    const world = testWorld();
    const id = await world.accept();
    const key = { pk: `SESSION#${id}`, sk: "META" };
    await world.table.update({ key, set: { v: itemVersion + 1 }, when: [] });
    await world.ticks(30);
    expect(await world.see(id)).toMatchObject({ v: itemVersion + 1, status: "queued", sendNo: 1 });
    expect(world.codes()).toContain("record_corrupt");
    await world.table.update({ key, set: { v: itemVersion }, when: [] });
    await world.ticks(90);
    expect(await world.see(id)).toMatchObject({ status: "done" });
  });
});
