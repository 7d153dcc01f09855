import { createHash } from "node:crypto";

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/**
 * Chance that repeats itself: every draw is a function of the seed and of what it is drawn for, never of how many
 * draws came before, so that a restart or another order of calls changes nothing.
 */
export interface Chance {
  /** At least 0, less than 1. */
  unit(...parts: readonly (string | number)[]): number;
  /** The numbers 0 to count - 1 in a drawn order. */
  order(count: number, ...parts: readonly (string | number)[]): Uint32Array;
  /** `prefix` and 24 characters without look-alikes, as Anthropic's ids have. */
  id(prefix: string, ...parts: readonly (string | number)[]): string;
}

export function digest(...parts: readonly (string | number)[]): Buffer {
  return createHash("sha256").update(parts.join("\u0000")).digest();
}

export function createChance(seed: string): Chance {
  const unit = (...parts: readonly (string | number)[]) => digest(seed, ...parts).readUIntBE(0, 6) / 2 ** 48;
  return {
    unit,
    order: (count, ...parts) => shuffle(count, digest(seed, ...parts).readUInt32BE(0)),
    id: (prefix, ...parts) => {
      const bytes = digest(seed, prefix, ...parts);
      return `${prefix}_01${Array.from(bytes.subarray(0, 22), (byte) => alphabet.charAt(byte % alphabet.length)).join("")}`;
    },
  };
}

/** Fisher and Yates over mulberry32: hashing for each of 100,000 places would be slow. */
function shuffle(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  let state = seed;
  for (let last = count - 1; last > 0; last--) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const other = ((mixed ^ (mixed >>> 14)) >>> 0) % (last + 1);
    const kept = order[last] ?? last;
    order[last] = order[other] ?? other;
    order[other] = kept;
  }
  return order;
}
