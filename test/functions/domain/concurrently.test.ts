import { describe, expect, it } from "vitest";
import { chunksOf, eachConcurrently, mapConcurrently } from "../../../functions/domain/concurrently.ts";

/** Work that ends when the test says so. */
function work() {
  const begun: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<string>>();
  const run = (item: number) => {
    begun.push(item);
    const end = Promise.withResolvers<string>();
    ends.set(item, end);
    return end.promise;
  };
  /** Lets everything that can go on do so. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { begun, run, end: (item: number) => ends.get(item)!, settle };
}

describe("work over many items", () => {
  it("answers in the order of the items, whatever ends first", async () => {
    const { run, end, settle } = work();
    const all = mapConcurrently([1, 2, 3], 3, run);
    await settle();
    for (const item of [3, 1, 2]) end(item).resolve(`did ${item}`);
    expect(await all).toEqual(["did 1", "did 2", "did 3"]);
  });

  it("runs at most so many at once, and takes the next when one has ended", async () => {
    const { begun, run, end, settle } = work();
    const all = mapConcurrently([1, 2, 3, 4], 2, run);
    await settle();
    expect(begun).toEqual([1, 2]);
    end(2).resolve("done");
    await settle();
    expect(begun).toEqual([1, 2, 3]);
    for (const item of [1, 3]) end(item).resolve("done");
    await settle();
    end(4).resolve("done");
    await all;
  });

  it("begins nothing more after the first failure, and rejects when nothing is under way", async () => {
    const { begun, run, end, settle } = work();
    let hasRejected = false;
    const all = mapConcurrently([1, 2, 3, 4], 2, run).catch((error: unknown) => {
      hasRejected = true;
      return error;
    });
    await settle();
    end(1).reject(new Error("first"));
    await settle();
    expect(begun).toEqual([1, 2]);
    expect(hasRejected).toBe(false);
    end(2).reject(new Error("second"));
    expect(await all).toEqual(new Error("first"));
    expect(begun).toEqual([1, 2]);
  });

  it("takes of what is still being read no more than can be worked on, and ends with its failure once nothing is under way", async () => {
    const { begun, run, end, settle } = work();
    let read = 0;
    async function* reading() {
      while (read < 4) {
        read += 1;
        yield read;
      }
      throw new Error("cut off");
    }
    let ended: unknown;
    const all = eachConcurrently(reading(), 2, async (item) => void (await run(item))).catch((error: unknown) => {
      ended = error;
    });
    await settle();
    expect({ read, begun }).toEqual({ read: 2, begun: [1, 2] });
    for (const item of [2, 3, 4]) {
      end(item).resolve("done");
      await settle();
    }
    expect({ read, begun, ended }).toEqual({ read: 4, begun: [1, 2, 3, 4], ended: undefined });
    end(1).resolve("done");
    await all;
    expect(ended).toEqual(new Error("cut off"));
  });

  it("is done at once where there is nothing to do", async () => {
    expect(await mapConcurrently([], 16, () => Promise.reject(new Error("never called")))).toEqual([]);
  });
});

describe("chunks of a list", () => {
  it("are full but for the last, and together the list", () => {
    expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunksOf([1, 2], 2)).toEqual([[1, 2]]);
    expect(chunksOf([], 2)).toEqual([]);
  });
});
