import { Cron } from "croner";
import type { Schedule } from "./types.ts";

/** Schedules: checked, turned into EventBridge's words, and computed on one machine. */

const minuteMs = 60_000;
const hourMinutes = 60;
const dayMinutes = 24 * hourMinutes;

/** @returns what is wrong with a five-field cron expression, or undefined */
export function cronProblem(expr: string): string | undefined {
  const fields = expr.trim().split(/\s+/);
  if (fields.length !== 5) return "must have five fields: minute hour day-of-month month day-of-week";
  if (/[LW#?]/i.test(fields.join("").replace(/[a-z]{3}/gi, ""))) return "must use only numbers, names, * , - and /";
  if (fields[2] !== "*" && fields[4] !== "*") {
    return "sets both day of month and day of week, which EventBridge cannot express; leave one of them *";
  }
  try {
    new Cron(expr, { mode: "5-part", paused: true });
    return undefined;
  } catch (error) {
    return `is not a cron expression: ${error instanceof Error ? error.message.replace(/^Cron\w*: /, "") : "?"}`;
  }
}

export function isTimeZone(tz: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: tz });
    return true;
  } catch {
    return false;
  }
}

/** `15m`, `1h`, `1d` in seconds; undefined for anything else, and for less than a minute. */
export function everySeconds(expr: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(expr.trim()) ?? [];
  const unitMinutes = { m: 1, h: hourMinutes, d: dayMinutes }[unit ?? ""];
  return count === undefined || unitMinutes === undefined ? undefined : Number(count) * unitMinutes * 60;
}

const dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/**
 * EventBridge's six fields: one of the two days is `?`, and the days of the week are written out by name, since
 * EventBridge counts them from 1 and has no steps among them.
 */
export function cronToEventBridge(expr: string): string {
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = expr.trim().toUpperCase().split(/\s+/);
  const days = dayOfWeek === "*" ? `${dayOfMonth} ${month} ?` : `? ${month} ${daysOfWeek(dayOfWeek).join(",")}`;
  return `cron(${minute} ${hour} ${days} *)`;
}

function daysOfWeek(field: string): string[] {
  const cron = new Cron(`0 0 * * ${field}`, { mode: "5-part", timezone: "UTC", paused: true });
  // 1 January 2023 was a Sunday.
  return dayNames.filter((_, day) => cron.match(new Date(Date.UTC(2023, 0, 1 + day))));
}

/**
 * A fixed grid from the epoch, where EventBridge can keep it: steps that divide the hour or the day are cron expressions;
 * a `rate` for all others, whose grid is its own.
 */
export function everyToEventBridge(seconds: number): string {
  const minutes = seconds / 60;
  if (minutes < hourMinutes && hourMinutes % minutes === 0) return `cron(0/${minutes} * * * ? *)`;
  if (minutes % hourMinutes === 0 && dayMinutes % minutes === 0) {
    return minutes === dayMinutes ? "cron(0 0 * * ? *)" : `cron(0 0/${minutes / hourMinutes} * * ? *)`;
  }
  if (minutes % dayMinutes === 0) return rate(minutes / dayMinutes, "day");
  return minutes % hourMinutes === 0 ? rate(minutes / hourMinutes, "hour") : rate(minutes, "minute");
}

function rate(count: number, unit: string): string {
  return `rate(${count} ${unit}${count === 1 ? "" : "s"})`;
}

/** The minute a firing stands for: two firings of one minute, or of one step of `every`, are one. */
export function scheduledMinute(schedule: Schedule, time: Date): Date {
  const step = schedule.kind === "every" ? schedule.seconds * 1000 : minuteMs;
  return new Date(Math.floor(time.getTime() / step) * step);
}

/**
 * The times a schedule fires after `after`, up to and including `upTo`, the latest 1,000 of them at most. An hour that
 * a clock skips fires when it is over, one that comes twice fires once (croner).
 */
export function dueBetween(schedule: Schedule, after: Date, upTo: Date): Date[] {
  if (schedule.kind === "every") {
    const step = schedule.seconds * 1000;
    const last = Math.floor(upTo.getTime() / step);
    const first = Math.max(Math.floor(after.getTime() / step) + 1, last - 999);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => new Date((first + index) * step));
  }
  const cron = new Cron(schedule.expr, { mode: "5-part", timezone: schedule.tz, paused: true });
  const due: Date[] = [];
  for (let next = cron.nextRun(after); next !== null && next <= upTo; next = cron.nextRun(next)) {
    due.push(next);
    if (due.length > 1_000) due.shift();
  }
  return due;
}
