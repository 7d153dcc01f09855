import type { NewId } from "../../functions/domain/clock.ts";

/** Chance that repeats itself (mulberry32): the same seed gives the same numbers, at least 0 and below 1. */
export function seededRandom(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Ids that count: they sort in the order in which they were made, and go round all shards. */
export function countingIds(prefix = "01"): NewId {
  let made = 0;
  return () => {
    made += 1;
    let rest = made;
    let digits = "";
    for (; rest > 0; rest = Math.floor(rest / 32)) digits = crockford.charAt(rest % 32) + digits;
    return `${prefix}${digits.padStart(26 - prefix.length, "0")}`;
  };
}
