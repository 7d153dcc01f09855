import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ulid } from "ulid";
import type { Clock, NewId } from "../domain/clock.ts";

/** The machine's own clock and ids. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds) => {
    await delay(milliseconds);
  },
};

/** 256 bits, as 43 characters that no URL, header or shell would need quoted. */
export const newSecret = (): string => randomBytes(32).toString("base64url");

export const newUlid: NewId = () => ulid(undefined, randomFraction);

/** The library asks for each character of an id by itself, which costs as much as for all of the next hundred ids. */
const drawn = new Uint8Array(1_600);
let taken = drawn.length;

function randomFraction(): number {
  if (taken === drawn.length) {
    crypto.getRandomValues(drawn);
    taken = 0;
  }
  const byte = drawn[taken] ?? 0;
  taken += 1;
  return byte / 256;
}
