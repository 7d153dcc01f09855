/**
 * Runs `work` over the items, at most `limit` at once, and answers in their order. The first failure ends it: nothing
 * more is begun, and it rejects once nothing is under way, since what runs on after a function has answered is frozen.
 */
export async function mapConcurrently<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  await eachConcurrently([...items].entries(), limit, async ([index, item]) => {
    results[index] = await work(item);
  });
  return results;
}

/** The same without answers, and for items that are still being read as well: none is read before it can be worked on. */
export async function eachConcurrently<T>(
  items: IterableIterator<T> | AsyncGenerator<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const worker = async () => {
    try {
      for await (const item of items) {
        if (failures.length > 0) return;
        await work(item);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
}

/** Cuts a list into lists of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
