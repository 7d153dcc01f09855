import type { Clock } from "../../functions/domain/clock.ts";

/** A clock that stands still until it is moved. Whoever sleeps moves it, and waits for nothing. */
export interface VirtualClock extends Clock {
  /** Lets so many seconds pass at once. */
  pass(seconds: number): void;
}

/** 22 November 2026, 03:00 UTC: any moment would do, but not the machine's. */
export const night = Date.UTC(2026, 10, 22, 3);

export function virtualClock(start = night): VirtualClock {
  let time = start;
  return {
    now: () => time,
    sleep: async (milliseconds) => {
      time += milliseconds;
    },
    pass: (seconds) => {
      time += seconds * 1000;
    },
  };
}
