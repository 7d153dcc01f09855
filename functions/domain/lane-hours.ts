import type { Lane } from "./config/index.ts";

const minuteMs = 60_000;
const dayMinutes = 24 * 60;

/** Minutes since midnight in the lane's time zone. */
function minuteOfDay(tz: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: tz,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const [hour = "0", minute = "0"] = parts.format(at).split(":");
  return Number(hour) * 60 + Number(minute);
}

function isWithin({ from, to }: { from: number; to: number }, minute: number): boolean {
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

/**
 * 0 while the lane is open, else the minute at which it opens next, in milliseconds since the epoch. The clock of a day
 * that is longer or shorter may make that an hour off; whoever comes by then asks again.
 */
export function opensAt({ hours, tz }: Pick<Lane, "hours" | "tz">, now: number): number {
  if (hours === undefined) return 0;
  const minute = minuteOfDay(tz, now);
  if (isWithin(hours, minute)) return 0;
  const wait = (hours.from - minute + dayMinutes) % dayMinutes;
  return (Math.floor(now / minuteMs) + wait) * minuteMs;
}
