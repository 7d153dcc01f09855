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
  const failures: unknown[] = [];
  const iterator = [...items].entries();
  const worker = async () => {
    for (const [index, item] of iterator) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Cuts a list into lists of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
