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

export const newUlid: NewId = () => ulid();

/** 256 bits, as 43 characters that no URL, header or shell would need quoted. */
export const newSecret = (): string => randomBytes(32).toString("base64url");
