const maxChunk = 512;

/** Values in order. Chunks are short, so that to put one in, or take one out, moves few others however many there are. */
export interface SortedList<T> {
  readonly size: number;
  add(value: T): void;
  /** Takes out what compares as equal. */
  remove(value: T): void;
  /** @param place from 0 */
  at(place: number): T | undefined;
  /** In order from the first above `bound`, or backwards from the last below it; all of them without one. */
  walk(bound?: T, isBackwards?: boolean): Generator<T>;
}

export function sortedList<T>(compare: (one: T, other: T) => number): SortedList<T> {
  const chunks: T[][] = [];
  let size = 0;
  /** Where the first is that is not below the value: chunk and place in it, which may be just behind its end. */
  const find = (value: T): { at: number; place: number } => {
    const isBelow = (one: T | undefined) => one !== undefined && compare(one, value) < 0;
    const at = Math.min(
      firstWhere(chunks.length, (index) => !isBelow(chunks[index]?.at(-1))),
      chunks.length - 1,
    );
    const chunk = chunks[at] ?? [];
    return { at, place: firstWhere(chunk.length, (index) => !isBelow(chunk[index])) };
  };
  const split = (at: number, chunk: T[]) => {
    // What comes in order fills its chunks.
    const half = at === chunks.length - 1 ? maxChunk : maxChunk / 2;
    chunks.splice(at, 1, chunk.slice(0, half), chunk.slice(half));
  };
  function* forwards(bound: T | undefined): Generator<T> {
    const from = bound === undefined ? { at: 0, place: 0 } : find(bound);
    for (let { at, place } = from; at < chunks.length; at += 1, place = 0) {
      for (const value of (chunks[at] ?? []).slice(place))
        if (bound === undefined || compare(value, bound) > 0) yield value;
    }
  }
  function* backwards(bound: T | undefined): Generator<T> {
    const last = chunks.length - 1;
    const from = bound === undefined ? { at: last, place: chunks[last]?.length ?? 0 } : find(bound);
    for (let { at, place } = from; at >= 0; at -= 1, place = chunks[at]?.length ?? 0)
      yield* (chunks[at] ?? []).slice(0, place).reverse();
  }
  return {
    get size() {
      return size;
    },
    add(value) {
      size += 1;
      if (chunks.length === 0) return void chunks.push([value]);
      const { at, place } = find(value);
      const chunk = chunks[at] ?? [];
      chunk.splice(place, 0, value);
      if (chunk.length > maxChunk) split(at, chunk);
    },
    remove(value) {
      const { at, place } = find(value);
      const chunk = chunks[at] ?? [];
      const found = chunk[place];
      if (found === undefined || compare(found, value) !== 0) return;
      chunk.splice(place, 1);
      size -= 1;
      if (chunk.length === 0) chunks.splice(at, 1);
    },
    at(place) {
      let rest = place;
      for (const chunk of chunks) {
        if (rest < chunk.length) return chunk[rest];
        rest -= chunk.length;
      }
      return undefined;
    },
    walk: (bound, isBackwards = false) => (isBackwards ? backwards(bound) : forwards(bound)),
  };
}

/** The first of so many places at which something holds that holds for all after it; their number if for none. */
function firstWhere(count: number, holds: (place: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
