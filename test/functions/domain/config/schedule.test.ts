import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../../../../functions/domain/config/cron-expression.ts";
import {
  cronToEventBridge,
  dueBetween,
  everyToEventBridge,
  parseEvery,
  scheduledMinute,
} from "../../../../functions/domain/config/index.ts";

const cron = (expr: string, tz = "UTC") => ({ kind: "cron", expr, tz }) as const;
const every = (seconds: number) => ({ kind: "every", seconds }) as const;
const isoBetween = (schedule: Parameters<typeof dueBetween>[0], after: string, upTo: string) =>
  dueBetween(schedule, new Date(after), new Date(upTo)).map((time) => time.toISOString());

/** Any expression that the parser takes: numbers, ranges, steps and lists, with one of the two days left open. */
function field(min: number, max: number) {
  const number = fc.integer({ min, max });
  const range = fc.tuple(number, number).map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  const stepped = fc
    .tuple(fc.oneof(fc.constant("*"), range), fc.integer({ min: 1, max }))
    .map(([base, step]) => `${base}/${step}`);
  const part = fc.oneof(number.map(String), range, stepped);
  return fc.oneof(
    fc.constant("*"),
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(",")),
  );
}
const days = fc.oneof(
  field(1, 31).map((day) => `${day} %`),
  field(0, 7).map((day) => `* % ${day}`),
);
const expressions = fc
  .tuple(field(0, 59), field(0, 23), days, field(1, 12))
  .map(([minute, hour, day, month]) => `${minute} ${hour} ${day.endsWith("%") ? `${day} *` : day}`.replace("%", month))
  .filter((expr) => parseCron(expr).ok);

/** What EventBridge's documentation says of its six fields. */
function eventBridgeMatches(expression: string, time: Date): boolean {
  const [minute, hour, day, month, weekday, year] = /^cron\((.*)\)$/.exec(expression)![1]!.split(" ");
  const names = ["", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  const number = (text: string) => (names.includes(text) ? names.indexOf(text) : Number(text));
  const matches = (text: string, value: number) =>
    text.split(",").some((part) => {
      if (part === "*" || part === "?") return true;
      const [base = "", step] = part.split("/");
      if (step !== undefined) return value >= Number(base) && (value - Number(base)) % Number(step) === 0;
      const [first = "", last = first] = base.split("-");
      return value >= number(first) && value <= number(last);
    });
  expect([day, weekday].filter((text) => text === "?")).toHaveLength(1);
  expect(year).toBe("*");
  return (
    matches(minute!, time.getUTCMinutes()) &&
    matches(hour!, time.getUTCHours()) &&
    matches(day!, time.getUTCDate()) &&
    matches(month!, time.getUTCMonth() + 1) &&
    matches(weekday!, time.getUTCDay() + 1)
  );
}

describe("a cron expression for EventBridge", () => {
  it.each([
    ["0 2 * * *", "cron(0 2 * * ? *)"],
    ["* * * * *", "cron(* * * * ? *)"],
    ["*/15 * * * *", "cron(0/15 * * * ? *)"],
    ["0 9 * * 1-5", "cron(0 9 ? * MON-FRI *)"],
    ["0 9 * * MON-FRI", "cron(0 9 ? * MON-FRI *)"],
    ["0 9 * * 0", "cron(0 9 ? * SUN *)"],
    ["0 9 * * 7", "cron(0 9 ? * SUN *)"],
    ["0 9 * * 6,0", "cron(0 9 ? * SUN,SAT *)"],
    ["0 9 * * 0-7", "cron(0 9 * * ? *)"],
    ["0 9 * * */2", "cron(0 9 ? * SUN,TUE,THU,SAT *)"],
    ["0 0 1,15 * *", "cron(0 0 1,15 * ? *)"],
    ["0 0 */10 JAN,jul *", "cron(0 0 1/10 1,7 ? *)"],
    ["10-40/10 8-18 * * *", "cron(10,20,30,40 8-18 * * ? *)"],
  ])("%s is %s", (expr, expected) => {
    expect(cronToEventBridge(expr)).toBe(expected);
  });

  it("means the same minutes as on one machine", () => {
    const minutes = fc.date({ min: new Date("2026-01-01"), max: new Date("2027-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(expressions, minutes, (expr, date) => {
        const time = scheduledMinute(cron(expr), date);
        const isDue = dueBetween(cron(expr), new Date(time.getTime() - 1), time).length === 1;
        expect(eventBridgeMatches(cronToEventBridge(expr), time)).toBe(isDue);
      }),
    );
  });

  it("fires at the very times that croner computes", () => {
    fc.assert(
      fc.property(expressions, (expr) => {
        const due = dueBetween(cron(expr), new Date("2026-01-01"), new Date("2026-03-01"));
        expect(due.every((time) => eventBridgeMatches(cronToEventBridge(expr), time))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("cannot be made of what the parser refuses", () => {
    expect(() => cronToEventBridge("0 0 1 * 1")).toThrow("sets both day of month and day of week");
  });
});

describe("every", () => {
  it.each([
    ["1m", 60],
    ["15m", 900],
    ["1h", 3600],
    ["2d", 172_800],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseEvery(text)).toEqual({ ok: true, seconds });
  });

  it.each(["", "0m", "90s", "1.5h", "15", "m", "1w", "367d", "-1m", "01h"])("%j is refused", (text) => {
    expect(parseEvery(text).ok).toBe(false);
  });

  it.each([
    ["1m", "cron(* * * * ? *)"],
    ["15m", "cron(0/15 * * * ? *)"],
    ["60m", "cron(0 * * * ? *)"],
    ["1h", "cron(0 * * * ? *)"],
    ["6h", "cron(0 0/6 * * ? *)"],
    ["24h", "cron(0 0 * * ? *)"],
    ["1d", "cron(0 0 * * ? *)"],
    ["7m", "rate(7 minutes)"],
    ["90m", "rate(90 minutes)"],
    ["7h", "rate(7 hours)"],
    ["48h", "rate(2 days)"],
  ])("%s is %s for EventBridge", (text, expected) => {
    const parsed = parseEvery(text);
    expect(parsed.ok && everyToEventBridge(parsed.seconds)).toBe(expected);
  });

  it("fires on a grid from the epoch, whatever it is counted from", () => {
    expect(isoBetween(every(7 * 3600), "1970-01-01T00:00:01Z", "1970-01-01T21:00:00Z")).toEqual([
      "1970-01-01T07:00:00.000Z",
      "1970-01-01T14:00:00.000Z",
      "1970-01-01T21:00:00.000Z",
    ]);
  });

  it("means the grid's minutes where EventBridge is given a cron expression", () => {
    for (const minutes of [1, 2, 5, 15, 20, 30, 60, 120, 360, 720, 1440]) {
      const times = dueBetween(every(minutes * 60), new Date("2026-03-01T00:00:00Z"), new Date("2026-03-03T00:00:00Z"));
      const expression = everyToEventBridge(minutes * 60);
      expect(times.every((time) => eventBridgeMatches(expression, time))).toBe(true);
    }
  });
});

describe("the scheduled minute", () => {
  it("is the same however late in its minute a firing arrives", () => {
    expect(scheduledMinute(cron("0 2 * * *"), new Date("2026-11-21T02:00:41.5Z")).toISOString()).toBe(
      "2026-11-21T02:00:00.000Z",
    );
  });

  it("is the place on the grid for every", () => {
    expect(scheduledMinute(every(900), new Date("2026-11-21T02:29:59Z")).toISOString()).toBe(
      "2026-11-21T02:15:00.000Z",
    );
  });
});

describe("what is due", () => {
  it("leaves out the first moment and has the last", () => {
    expect(isoBetween(cron("*/30 * * * *"), "2026-11-21T02:00:00Z", "2026-11-21T03:00:00Z")).toEqual([
      "2026-11-21T02:30:00.000Z",
      "2026-11-21T03:00:00.000Z",
    ]);
  });

  it("is nothing in between", () => {
    expect(isoBetween(cron("0 2 * * *"), "2026-11-21T02:00:00Z", "2026-11-21T23:59:00Z")).toEqual([]);
  });

  it.each([cron("* * * * *"), every(60)])("is bounded, the latest kept: %j", (schedule) => {
    const due = isoBetween(schedule, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    expect(due).toHaveLength(1_000);
    expect(due.at(-1)).toBe("2026-02-01T00:00:00.000Z");
    expect(due[0]).toBe("2026-01-31T07:21:00.000Z");
  });

  it("follows the clock of its time zone", () => {
    const schedule = cron("30 6 * * *", "Europe/Berlin");
    expect(isoBetween(schedule, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")).toEqual([
      "2026-03-28T05:30:00.000Z",
      "2026-03-29T04:30:00.000Z",
    ]);
  });

  it("runs a fixed time that the clock skips right after the gap", () => {
    const schedule = cron("30 2 * * *", "Europe/Berlin");
    expect(isoBetween(schedule, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z")).toEqual(["2026-03-29T01:00:00.000Z"]);
  });

  it("runs a fixed time that comes twice once, the first time", () => {
    const schedule = cron("30 2 * * *", "Europe/Berlin");
    expect(isoBetween(schedule, "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z")).toEqual(["2026-10-25T00:30:00.000Z"]);
  });

  it("runs other jobs through both of a repeated hour, and through none of a skipped one", () => {
    const schedule = cron("*/30 2 * * *", "Europe/Berlin");
    expect(isoBetween(schedule, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z")).toEqual([]);
    expect(isoBetween(schedule, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")).toHaveLength(4);
  });
});
