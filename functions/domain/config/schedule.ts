import { Cron } from "croner";
import { formatForEventBridge, parseCron } from "./cron-expression.ts";
import { maxDueAtOnce, maxEverySeconds, minEverySeconds } from "./limits.ts";
import type { Schedule } from "./types.ts";

const minuteSeconds = 60;
const hourSeconds = 3_600;
const daySeconds = 24 * hourSeconds;
const unitSeconds = new Map([
  ["m", minuteSeconds],
  ["h", hourSeconds],
  ["d", daySeconds],
]);

/** `15m`, `1h`, `2d` in seconds, from a minute to a year: EventBridge knows minutes, hours and days. */
export function parseEvery(text: string): { ok: true; seconds: number } | { ok: false; message: string } {
  const [, count = "", unit = ""] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (unitSeconds.get(unit) ?? 0);
  const isWithin = seconds >= minEverySeconds && seconds <= maxEverySeconds;
  return isWithin
    ? { ok: true, seconds }
    : { ok: false, message: "must be a time such as 15m, 1h or 1d, from 1m to 366d" };
}

/**
 * Five fields of a crontab as EventBridge's six: `cron(0 9 ? * MON-FRI *)`. Rules read it in UTC; Scheduler in a time zone.
 * @throws Error for an expression that `parseConfig` would have refused
 */
export function cronToEventBridge(expr: string): string {
  const parsed = parseCron(expr);
  if (!parsed.ok) throw new Error(`${expr}: ${parsed.message}`);
  return formatForEventBridge(parsed.fields);
}

/**
 * The grid from the epoch where cron can express it, that is, where the time divides an hour or a day: `cron(0/15 * * * ? *)`.
 * Else `rate(7 hours)`, which counts from the deployment: the same distance, but not the same times.
 * @param seconds whole minutes
 */
export function everyToEventBridge(seconds: number): string {
  const minutes = seconds / minuteSeconds;
  const hours = seconds / hourSeconds;
  if (minutes === 1) return "cron(* * * * ? *)";
  if (60 % minutes === 0) return `cron(${minutes === 60 ? "0" : `0/${minutes}`} * * * ? *)`;
  if (Number.isInteger(hours) && 24 % hours === 0) return `cron(0 ${hours === 24 ? "0" : `0/${hours}`} * * ? *)`;
  // What is left is never a single unit, so the plural is right.
  if (seconds % daySeconds === 0) return `rate(${seconds / daySeconds} days)`;
  return Number.isInteger(hours) ? `rate(${hours} hours)` : `rate(${minutes} minutes)`;
}

/** The moment a firing stands for, which names it however late or often it arrives: its minute, or its place on the grid. */
export function scheduledMinute(schedule: Schedule, time: Date): Date {
  const gridMs = (schedule.kind === "every" ? schedule.seconds : minuteSeconds) * 1000;
  return new Date(Math.floor(time.getTime() / gridMs) * gridMs);
}

/**
 * The times after `after` up to and including `upTo`, in order; the latest 1,000 where there are more.
 * Where clocks change (croner): a job at one fixed time of day (`30 2 * * *`) whose time is skipped runs right after the
 * gap, and one whose time comes twice runs the first time only. Every other job skips what the gap skips and runs both times.
 * EventBridge Scheduler differs in one thing: it leaves out a fixed time that is skipped.
 */
export function dueBetween(schedule: Schedule, after: Date, upTo: Date): Date[] {
  const before = schedule.kind === "every" ? beforeOnGrid(schedule.seconds) : beforeByCron(schedule.expr, schedule.tz);
  const due: Date[] = [];
  let time = before(new Date((Math.floor(upTo.getTime() / 1000) + 1) * 1000));
  while (time !== undefined && time > after && due.length < maxDueAtOnce) {
    due.push(time);
    time = before(time);
  }
  return due.reverse();
}

function beforeOnGrid(seconds: number): (time: Date) => Date {
  const gridMs = seconds * 1000;
  return (time) => new Date((Math.ceil(time.getTime() / gridMs) - 1) * gridMs);
}

function beforeByCron(expr: string, tz: string): (time: Date) => Date | undefined {
  const cron = new Cron(expr, { mode: "5-part", timezone: tz });
  return (time) => cron.previousRuns(1, time)[0];
}
