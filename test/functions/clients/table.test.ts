import { TransactionConflictException } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";
import { createDynamoDb, dynamoTable } from "../../../functions/clients/dynamodb.ts";
import { groupedTable } from "../../../functions/clients/grouped-table.ts";
import type { Clause, IndexQuery, Item, Table } from "../../../functions/clients/table.ts";
import { createTable } from "../../../infra/local/aws/infrastructure.ts";
import { tableInput } from "../../../infra/table-definition.ts";
import { accompanied } from "../../support/accompanied.ts";
import { useLocalAws } from "../../support/local-aws.ts";
import { memoryTable } from "../../support/memory-table.ts";

const clock = useLocalAws();

const tables: [string, () => Promise<Table>][] = [
  ["in memory", async () => memoryTable()],
  [
    "in DynamoDB",
    async () => {
      const dynamo = createDynamoDb();
      await createTable(tableInput("contract"), { dynamo });
      return dynamoTable(dynamo, "contract", clock);
    },
  ],
  [
    "in DynamoDB, with writes in groups",
    async () => {
      const dynamo = createDynamoDb();
      await createTable(tableInput("grouped"), { dynamo });
      return accompanied(groupedTable(dynamo, "grouped", clock));
    },
  ],
];

describe.each(tables)("the table %s", (_, open) => {
  let table: Table;
  let partitions = 0;
  beforeAll(async () => {
    table = await open();
  });
  /** A partition that no other test has. */
  const partition = () => {
    partitions += 1;
    return `P#${partitions}`;
  };
  const anItem = async (attributes: Record<string, unknown> = {}): Promise<Item> => {
    const item = { pk: partition(), sk: "META", ...attributes };
    await table.insert(item);
    return item;
  };
  const write = (item: Item, ...when: Clause[]) => table.update({ key: item, set: { n: 2 }, when });

  describe("reads", () => {
    it("nothing where nothing is", async () => {
      expect(await table.get({ pk: partition(), sk: "META" })).toBeUndefined();
      expect(await table.query({ pk: partition() })).toEqual({ items: [] });
      expect(await table.getMany([])).toEqual([]);
    });

    it("back what was written: text, numbers, truth, null, lists, maps and bytes", async () => {
      const bytes = new Uint8Array([0, 1, 127, 128, 255]);
      const item = await anItem({
        text: "ü 🌙",
        empty: "",
        whole: 1_795_230_000_000,
        part: 0.25,
        truth: false,
        nothing: null,
        list: [1, "two", { three: [] }],
        map: { kind: "gzip", bytes },
      });
      const read = await table.get(item);
      expect(read).toEqual(item);
      expect(read?.["map"]).toMatchObject({ bytes: expect.any(Uint8Array) });
    });

    it("nothing of what was undefined, at any depth", async () => {
      const item = await anItem({ gone: undefined, map: { kept: 1, gone: undefined } });
      expect(await table.get(item)).toStrictEqual({ pk: item.pk, sk: item.sk, map: { kept: 1 } });
    });

    it("many items at once, more than one call to DynamoDB takes, without the absent", async () => {
      const pk = partition();
      const keys = Array.from({ length: 230 }, (_, index) => ({ pk, sk: `ITEM#${index}` }));
      await Promise.all(keys.slice(0, 221).map((key) => table.insert(key)));
      const found = await table.getMany(keys);
      expect(found.map(({ sk }) => sk).toSorted()).toEqual(
        keys
          .slice(0, 221)
          .map(({ sk }) => sk)
          .toSorted(),
      );
    });

    it("copies: whoever changes what was read or written changes nothing in the table", async () => {
      const item = await anItem({ map: { list: [1] }, bytes: new Uint8Array([1]) });
      const before = structuredClone(item);
      Object.assign(item["map"] ?? {}, { list: [2] });
      const read = await table.get(item);
      Object.assign(read?.["map"] ?? {}, { list: [3] });
      expect(await table.get(item)).toEqual(before);
    });
  });

  describe("an insert", () => {
    it("is made once; the second is refused and told what is there", async () => {
      const item = { pk: partition(), sk: "META", by: "first", at: 1 };
      expect(await table.insert(item)).toEqual({ moved: true, item });
      expect(await table.insert({ ...item, by: "second" })).toEqual({ moved: false, current: item });
      expect(await table.get(item)).toEqual(item);
    });

    it("of many at once by the same key is won by one", async () => {
      const key = { pk: partition(), sk: "META" };
      const found = await Promise.all(Array.from({ length: 8 }, (_, by) => table.insert({ ...key, by })));
      const winners = found.filter(({ moved }) => moved);
      expect(winners).toHaveLength(1);
      expect(winners[0]).toMatchObject({ item: await table.get(key) });
    });

    it("under the same partition with another sort key is another item", async () => {
      const item = await anItem();
      expect(await table.insert({ pk: item.pk, sk: "REQUEST#0001" })).toMatchObject({ moved: true });
    });
  });

  describe("a put", () => {
    it("replaces the whole item", async () => {
      const { pk, sk } = await anItem({ reason: "credit", since: 1 });
      await table.put({ item: { pk, sk, until: 2 }, when: [] });
      expect(await table.get({ pk, sk })).toEqual({ pk, sk, until: 2 });
    });

    it("holds to its conditions", async () => {
      const item = await anItem({ n: 1 });
      const refused = await table.put({ item: { ...item, n: 2 }, when: [{ attribute: "n", is: "equal", value: 2 }] });
      expect(refused).toEqual({ moved: false, current: item });
      const absent = { pk: partition(), sk: "META" };
      expect(await table.put({ item: absent, when: [{ attribute: "pk", is: "present" }] })).toEqual({ moved: false });
      expect(await table.get(absent)).toBeUndefined();
    });
  });

  describe("an update", () => {
    it("sets, adds and removes, and answers the whole item as it is now", async () => {
      const item = await anItem({ n: 1, kept: "k", gone: "g", map: { a: 1 } });
      const found = await table.update({
        key: item,
        set: { text: "t", map: { b: 2 } },
        add: { n: 2, fresh: 3 },
        remove: ["gone", "never"],
        when: [],
      });
      const expected = { pk: item.pk, sk: item.sk, kept: "k", text: "t", map: { b: 2 }, n: 3, fresh: 3 };
      expect(found).toEqual({ moved: true, item: expected });
      expect(await table.get(item)).toEqual(expected);
    });

    it("leaves alone what it sets to undefined", async () => {
      const item = await anItem({ a: 1 });
      await table.update({ key: item, set: { a: undefined, b: 2 }, when: [] });
      expect(await table.get(item)).toStrictEqual({ pk: item.pk, sk: item.sk, a: 1, b: 2 });
    });

    it("makes an item that is absent, unless a condition says otherwise", async () => {
      const key = { pk: partition(), sk: "META" };
      expect(await table.update({ key, set: { a: 1 }, when: [] })).toEqual({ moved: true, item: { ...key, a: 1 } });
      const other = { pk: partition(), sk: "META" };
      expect(await table.update({ key: other, set: { a: 1 }, when: [{ attribute: "pk", is: "present" }] })).toEqual({
        moved: false,
      });
      expect(await table.get(other)).toBeUndefined();
    });

    it("that is refused is told what is there, and changes nothing", async () => {
      const item = await anItem({ status: "done", bytes: new Uint8Array([1, 2]) });
      const found = await write(item, { attribute: "status", is: "oneOf", values: ["queued", "submitted"] });
      expect(found).toEqual({ moved: false, current: item });
      expect(await table.get(item)).toEqual(item);
    });

    it("takes a key with more to it than the key", async () => {
      const item = await anItem({ n: 1, other: "x" });
      expect(await table.update({ key: item, set: { n: 2 }, when: [] })).toMatchObject({ item: { n: 2, other: "x" } });
    });

    it("keeps every one of many additions at once", async () => {
      const key = { pk: partition(), sk: "1" };
      const counted = await Promise.all(
        Array.from({ length: 9 }, () => table.update({ key, set: { x: 1 }, add: { failures: 1 }, when: [] })),
      );
      const seen = counted.flatMap((found) => (found.moved ? [Number(found.item["failures"])] : []));
      expect(seen.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it("of nothing at all is an error", async () => {
      const item = await anItem({ n: 1 });
      await expect(table.update({ key: item, set: { n: undefined }, when: [] })).rejects.toThrow(/empty/i);
    });

    it("of an attribute both set and removed is an error", async () => {
      const item = await anItem({ n: 1 });
      await expect(table.update({ key: item, set: { n: 1 }, remove: ["n"], when: [] })).rejects.toThrow(/overlap/i);
    });
  });

  describe("a condition", () => {
    const present = { status: "queued", n: 5, flag: true, zero: 0 };
    const holding: [string, Clause][] = [
      ["absent", { attribute: "never", is: "absent" }],
      ["present", { attribute: "status", is: "present" }],
      ["present, though 0", { attribute: "zero", is: "present" }],
      ["equal text", { attribute: "status", is: "equal", value: "queued" }],
      ["equal number", { attribute: "n", is: "equal", value: 5 }],
      ["equal truth", { attribute: "flag", is: "equal", value: true }],
      ["one of many", { attribute: "status", is: "oneOf", values: ["done", "queued"] }],
      ["at most, exactly", { attribute: "n", is: "atMost", value: 5 }],
      ["at most, below", { attribute: "n", is: "atMost", value: 6 }],
    ];
    const failing: [string, Clause][] = [
      ["absent", { attribute: "status", is: "absent" }],
      ["present", { attribute: "never", is: "present" }],
      ["equal text", { attribute: "status", is: "equal", value: "Queued" }],
      ["equal number", { attribute: "n", is: "equal", value: 4 }],
      ["equal, but of another type", { attribute: "n", is: "equal", value: "5" }],
      ["equal to what is absent", { attribute: "never", is: "equal", value: "queued" }],
      ["one of none that fits", { attribute: "status", is: "oneOf", values: ["done"] }],
      ["one of, of another type", { attribute: "n", is: "oneOf", values: ["5"] }],
      ["one of, of what is absent", { attribute: "never", is: "oneOf", values: ["queued"] }],
      ["at most, above", { attribute: "n", is: "atMost", value: 4 }],
      ["at most, of what is absent", { attribute: "never", is: "atMost", value: 4 }],
      ["at most, of text", { attribute: "status", is: "atMost", value: 4 }],
    ];

    it.each(holding)("that holds lets the write through: %s", async (_name, clause) => {
      expect(await write(await anItem(present), clause)).toMatchObject({ moved: true, item: { n: 2 } });
    });

    it.each(failing)("that does not hold refuses it: %s", async (_name, clause) => {
      const item = await anItem(present);
      expect(await write(item, clause)).toEqual({ moved: false, current: item });
    });

    it("is only as good as all of its clauses", async () => {
      const item = await anItem(present);
      const holds: Clause = { attribute: "n", is: "atMost", value: 9 };
      const fails: Clause = { attribute: "status", is: "equal", value: "done" };
      expect(await write(item, holds, fails)).toMatchObject({ moved: false });
      expect(await write(item, fails, holds)).toMatchObject({ moved: false });
      expect(await write(item, holds, { attribute: "n", is: "present" })).toMatchObject({ moved: true });
    });
  });

  describe("a transaction", () => {
    it("makes all of its writes", async () => {
      const gone = await anItem();
      const changed = await anItem({ n: 1 });
      const made = { pk: partition(), sk: "OWNER" };
      const isDone = await table.transact([
        { put: { item: made, when: [{ attribute: "pk", is: "absent" }] } },
        { update: { key: changed, set: { text: "t" }, add: { n: 1 }, remove: ["x"], when: [] } },
        { remove: { key: gone, when: [{ attribute: "pk", is: "present" }] } },
      ]);
      expect(isDone).toBe(true);
      expect(await table.get(made)).toEqual(made);
      expect(await table.get(changed)).toMatchObject({ n: 2, text: "t" });
      expect(await table.get(gone)).toBeUndefined();
    });

    it.each([0, 1, 2])("makes none of them when the condition of number %i does not hold", async (at) => {
      const items = [await anItem({ n: 1 }), await anItem({ n: 1 }), await anItem({ n: 1 })];
      const whenOf = (index: number): Clause[] => [{ attribute: "n", is: "equal", value: index === at ? 7 : 1 }];
      const isDone = await table.transact([
        { put: { item: { ...items[0]!, n: 2 }, when: whenOf(0) } },
        { update: { key: items[1]!, set: { n: 2 }, when: whenOf(1) } },
        { remove: { key: items[2]!, when: whenOf(2) } },
      ]);
      expect(isDone).toBe(false);
      for (const item of items) expect(await table.get(item)).toEqual(item);
    });

    it("removes what is not there, where nothing says it must be", async () => {
      const made = { pk: partition(), sk: "A" };
      const writes = [{ put: { item: made, when: [] } }, { remove: { key: { pk: partition(), sk: "B" }, when: [] } }];
      expect(await table.transact(writes)).toBe(true);
      expect(await table.get(made)).toEqual(made);
    });

    it("with two writes to one item is an error, and writes nothing", async () => {
      const item = await anItem({ n: 1 });
      const writes = [{ update: { key: item, set: { n: 2 }, when: [] } }, { remove: { key: item, when: [] } }];
      await expect(table.transact(writes)).rejects.toThrow();
      expect(await table.get(item)).toEqual(item);
    });

    it("lets one of two win that want the same item", async () => {
      const key = { pk: partition(), sk: "OWNER" };
      const claim = (by: string) =>
        table.transact([
          { put: { item: { ...key, by }, when: [{ attribute: "pk", is: "absent" }] } },
          { put: { item: { pk: key.pk, sk: `SEEN#${by}` }, when: [] } },
        ]);
      const done = await Promise.all([claim("a"), claim("b")]);
      expect(done.toSorted()).toEqual([false, true]);
      const winner = done[0] ? "a" : "b";
      const { items } = await table.query({ pk: key.pk });
      expect(items.map(({ sk }) => sk)).toEqual(["OWNER", `SEEN#${winner}`]);
    });
  });

  describe("a query", () => {
    const filled = async (sortKeys: readonly string[], more: Record<string, unknown> = {}) => {
      const pk = partition();
      for (const sk of sortKeys) await table.insert({ pk, sk, ...more });
      return pk;
    };
    const walk = async (query: Parameters<Table["query"]>[0]) => {
      const seen: string[] = [];
      let after: { pk: string; sk: string } | undefined;
      let pages = 0;
      do {
        const page = await table.query({ ...query, ...(after === undefined ? {} : { after }) });
        seen.push(...page.items.map(({ sk }) => sk));
        after = page.next;
        pages += 1;
      } while (after !== undefined);
      return { seen, pages };
    };

    it("answers one partition in the order of its sort keys, byte by byte", async () => {
      const pk = await filled(["b", "a", "B", "ä", "a#1", "Z", "🌙", "～"]);
      await filled(["other"]);
      expect((await walk({ pk })).seen).toEqual(["B", "Z", "a", "a#1", "b", "ä", "～", "🌙"]);
    });

    it("answers the newest first where asked", async () => {
      const pk = await filled(["1", "3", "2"]);
      expect((await walk({ pk, newestFirst: true })).seen).toEqual(["3", "2", "1"]);
    });

    it("keeps to its prefix", async () => {
      const pk = await filled(["HEAD", "PAGE#00001", "PAGE#00002", "PAGEANT", "QUARANTINE#1"]);
      expect((await walk({ pk, prefix: "PAGE#" })).seen).toEqual(["PAGE#00001", "PAGE#00002"]);
      expect((await walk({ pk, prefix: "NEVER" })).seen).toEqual([]);
    });

    it.each([false, true])("gives each item once, page by page; newest first: %s", async (newestFirst) => {
      const pk = await filled(["1", "2", "3", "4", "5"]);
      const expected = newestFirst ? ["5", "4", "3", "2", "1"] : ["1", "2", "3", "4", "5"];
      const first = await table.query({ pk, limit: 2, newestFirst });
      expect(first.items.map(({ sk }) => sk)).toEqual(expected.slice(0, 2));
      expect(first.next).toEqual({ pk, sk: expected[1] });
      expect((await walk({ pk, limit: 2, newestFirst })).seen).toEqual(expected);
      expect((await walk({ pk, limit: 5, newestFirst })).seen).toEqual(expected);
    });

    it("ends a page early that grows too large, and goes on from there", async () => {
      const pk = await filled(["1", "2", "3", "4", "5"], { bytes: new Uint8Array(300_000) });
      const { seen, pages } = await walk({ pk });
      expect(seen).toEqual(["1", "2", "3", "4", "5"]);
      expect(pages).toBeGreaterThan(1);
    });
  });

  describe("an index", () => {
    const dueAt = async (due: string, times: readonly number[]) => {
      const items = times.map((time, index) => ({
        pk: `${partition()}#${index}`,
        sk: "META",
        due,
        dueAt: time,
        big: "x",
      }));
      for (const item of items) await table.insert(item);
      return items;
    };
    const askDue = (value: string, more: Partial<IndexQuery> = {}) =>
      table.queryIndex({ index: "due", partition: { attribute: "due", value }, sort: "dueAt", limit: 100, ...more });
    let names = 0;
    const aName = () => {
      names += 1;
      return `rescue#${names}`;
    };

    it("answers its keys, in the order of its sort attribute", async () => {
      const due = aName();
      const [late, early, middle] = await dueAt(due, [30, -1, 10.5]);
      const { items } = await askDue(due);
      expect(items).toEqual([early!, middle!, late!].map(({ pk, sk, dueAt }) => ({ pk, sk, due, dueAt })));
    });

    it("answers what it includes as well, and nothing else of its items", async () => {
      const due = aName();
      const [item] = await dueAt(due, [7]);
      const shown = { lane: "bulk", status: "queued", mode: "batch", createdAt: 5, notBefore: 0 };
      await table.update({ key: item!, set: { ...shown, turn: 3 }, when: [] });
      const { pk, sk } = item!;
      expect((await askDue(due)).items).toEqual([{ pk, sk, due, dueAt: 7, ...shown }]);
    });

    it("goes on where a page ended, also among items of one time", async () => {
      const due = aName();
      const items = await dueAt(due, [1, 2, 2, 2, 3]);
      const seen: string[] = [];
      let after: Item | undefined;
      do {
        const page = await askDue(due, { limit: 2, ...(after === undefined ? {} : { after }) });
        seen.push(...page.items.map(({ pk }) => pk));
        after = page.next;
      } while (after !== undefined);
      expect(seen.toSorted()).toEqual(items.map(({ pk }) => pk).toSorted());
    });

    it("takes what is due up to a time, that time included, the oldest first", async () => {
      const due = aName();
      await dueAt(due, [10, 20, 30]);
      const times = async (more: Parameters<typeof askDue>[1]) =>
        (await askDue(due, more)).items.map((item) => item["dueAt"]);
      expect(await times({ upTo: 20 })).toEqual([10, 20]);
      expect(await times({ upTo: 9 })).toEqual([]);
      expect(await times({ upTo: 30, limit: 2 })).toEqual([10, 20]);
      expect(await times({ newestFirst: true, limit: 1 })).toEqual([30]);
    });

    it("takes what is below a place in a list, that place left out, the newest first", async () => {
      const byAgent = `agent-${partition()}#0`;
      for (const [index, listAt] of ["2026#A", "2026#B", "2027#A"].entries())
        await table.insert({ pk: `${partition()}#${index}`, sk: "META", byAgent, listAt });
      const ask = async (below?: string) => {
        const page = await table.queryIndex({
          index: "byAgent",
          partition: { attribute: "byAgent", value: byAgent },
          sort: "listAt",
          limit: 10,
          newestFirst: true,
          ...(below === undefined ? {} : { below }),
        });
        return page.items.map((item) => item["listAt"]);
      };
      expect(await ask()).toEqual(["2027#A", "2026#B", "2026#A"]);
      expect(await ask("2026#B")).toEqual(["2026#A"]);
      expect(await ask("2026#A")).toEqual([]);
    });

    it("is sparse: an item leaves it with its attributes, and moves with them", async () => {
      const [here, there] = [aName(), aName()];
      const [stays, leaves, moves] = await dueAt(here, [1, 2, 3]);
      await table.update({ key: leaves!, remove: ["due", "dueAt"], when: [] });
      await table.update({ key: moves!, set: { due: there, dueAt: 4 }, when: [] });
      expect((await askDue(here)).items.map(({ pk }) => pk)).toEqual([stays!.pk]);
      expect((await askDue(there)).items.map(({ pk }) => pk)).toEqual([moves!.pk]);
    });

    it("refuses an item whose attribute is not of its type", async () => {
      await expect(table.insert({ pk: partition(), sk: "META", due: aName(), dueAt: "soon" })).rejects.toThrow();
      await expect(table.insert({ pk: partition(), sk: "META", due: "", dueAt: 1 })).rejects.toThrow();
    });
  });

  describe("a limit of the service", () => {
    it("keeps items under 400 KB, whichever way they come", async () => {
      const item = { pk: partition(), sk: "META", bytes: new Uint8Array(380_000) };
      expect(await table.insert(item)).toMatchObject({ moved: true });
      const grow = table.update({ key: item, set: { more: "x".repeat(40_000) }, when: [] });
      await expect(grow).rejects.toThrow(/size/i);
      await expect(table.insert({ pk: partition(), sk: "META", text: "x".repeat(410_000) })).rejects.toThrow(/size/i);
      expect(await table.get(item)).not.toHaveProperty("more");
    });

    it("knows no empty keys", async () => {
      await expect(table.insert({ pk: "", sk: "META" })).rejects.toThrow();
      await expect(table.insert({ pk: partition(), sk: "" })).rejects.toThrow();
    });

    it("keeps no number that is none", async () => {
      await expect(table.insert({ pk: partition(), sk: "META", n: Number.NaN })).rejects.toThrow();
      await expect(table.insert({ pk: partition(), sk: "META", n: Number.POSITIVE_INFINITY })).rejects.toThrow();
    });

    it("asks for no item twice in one call", async () => {
      const item = await anItem();
      await expect(table.getMany([item, item])).rejects.toThrow(/duplicate/i);
    });
  });
});

describe("a write to an item that a transaction holds", () => {
  /** DynamoDB as far as this goes: it refuses so many times. */
  const refusing = (times: number) => {
    const dynamo = createDynamoDb();
    let calls = 0;
    dynamo.middlewareStack.add(
      () => async () => {
        calls += 1;
        if (calls <= times) throw new TransactionConflictException({ message: "held", $metadata: {} });
        return { response: {}, output: { $metadata: {}, Attributes: { n: 2 } } };
      },
      { step: "initialize", priority: "high" },
    );
    return { table: dynamoTable(dynamo, "held", clock), calls: () => calls };
  };
  const key = { pk: "P", sk: "META" };

  it("is sent again until the item is free", async () => {
    const { table, calls } = refusing(2);
    expect(await table.update({ key, set: { n: 2 }, when: [] })).toMatchObject({ moved: true });
    expect(calls()).toBe(3);
    expect(await table.put({ item: key, when: [] })).toMatchObject({ moved: true });
  });

  it("is given up after five times", async () => {
    const { table, calls } = refusing(99);
    await expect(table.insert(key)).rejects.toThrow("held");
    expect(calls()).toBe(5);
  });
});
