import { describe, expect, it } from "vitest";
import { type Token, tokenPartition } from "../../../functions/domain/token.ts";
import { rememberedTokens, tokenStore } from "../../../functions/store/tokens.ts";
import { memoryTable } from "../../support/memory-table.ts";
import { virtualClock } from "../../support/virtual-clock.ts";

const daySeconds = 24 * 3600;

function setup() {
  const clock = virtualClock();
  const table = memoryTable({ clock });
  return { clock, table, store: tokenStore(table, clock) };
}

const tokenOf = (id: string, more: Partial<Token> = {}): Token => ({
  id,
  hash: "abc",
  name: "ci",
  scopes: ["read"],
  agents: ["worker"],
  createdAt: 5,
  createdBy: "owner",
  ...more,
});

describe("the tokens", () => {
  it("are found by their id as they were put there", async () => {
    const { store } = setup();
    const token = tokenOf("A", { agents: "*", endsAt: 99 });
    await store.add(token);
    expect(await store.find("A")).toEqual(token);
    expect(await store.find("B")).toBeUndefined();
  });

  it("are never written over", async () => {
    const { store } = setup();
    await store.add(tokenOf("A"));
    await expect(store.add(tokenOf("A", { name: "other" }))).rejects.toThrow("there already");
    expect((await store.find("A"))?.name).toBe("ci");
  });

  it("are listed by age, and one that cannot be read hides no other", async () => {
    const { store, table } = setup();
    await store.add(tokenOf("B"));
    await store.add(tokenOf("A"));
    await table.put({ item: { pk: tokenPartition, sk: "C", hash: 7 }, when: [] });
    const { tokens, damaged } = await store.list();
    expect([tokens.map(({ id }) => id), damaged]).toEqual([["A", "B"], ["C"]]);
  });

  it("are revoked once: a repeat keeps the first time, and what is not there stays so", async () => {
    const { store, clock, table } = setup();
    await store.add(tokenOf("A"));
    const revokedAt = clock.now();
    expect(await store.revoke("A")).toEqual(tokenOf("A", { revokedAt }));
    clock.pass(60);
    expect(await store.revoke("A")).toEqual(tokenOf("A", { revokedAt }));
    expect(await store.revoke("B")).toBeUndefined();
    expect(table.items()).toHaveLength(1);
  });

  it("are forgotten by the table a month after their end, and those without one never", async () => {
    const { store, table, clock } = setup();
    await store.add(tokenOf("A"));
    await store.add(tokenOf("B", { endsAt: 10_000 }));
    await store.add(tokenOf("C"));
    await store.revoke("C");
    expect(table.items().map((item) => item["expiresAt"])).toEqual([
      undefined,
      10 + 30 * daySeconds,
      Math.ceil(clock.now() / 1000) + 30 * daySeconds,
    ]);
  });
});

describe("what is remembered of them", () => {
  const counted = (store: ReturnType<typeof tokenStore>) => {
    const asked: string[] = [];
    const find = (id: string) => {
      asked.push(id);
      return store.find(id);
    };
    return { asked, find };
  };

  it("is half a minute old at most", async () => {
    const { store, clock } = setup();
    await store.add(tokenOf("A"));
    const { asked, find } = counted(store);
    const remembered = rememberedTokens({ find }, clock);
    await remembered.find("A");
    await store.revoke("A");
    clock.pass(29);
    expect((await remembered.find("A"))?.revokedAt).toBeUndefined();
    clock.pass(1);
    expect((await remembered.find("A"))?.revokedAt).toBeDefined();
    expect(asked).toEqual(["A", "A"]);
  });

  it("is never that one is not there", async () => {
    const { store, clock } = setup();
    const remembered = rememberedTokens(store, clock);
    expect(await remembered.find("A")).toBeUndefined();
    await store.add(tokenOf("A"));
    expect(await remembered.find("A")).toBeDefined();
  });

  it("are a thousand at most, the latest read", async () => {
    const { store, clock } = setup();
    for (let index = 0; index <= 1_000; index += 1) await store.add(tokenOf(String(index)));
    const { asked, find } = counted(store);
    const remembered = rememberedTokens({ find }, clock);
    for (let index = 0; index <= 1_000; index += 1) await remembered.find(String(index));
    await remembered.find("1000");
    expect(asked).toHaveLength(1_001);
    await remembered.find("0");
    expect(asked.at(-1)).toBe("0");
    expect(asked).toHaveLength(1_002);
  });
});
