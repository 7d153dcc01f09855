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

export const newUlid: NewId = () => ulid();
