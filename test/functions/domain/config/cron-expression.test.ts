import { Cron } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../../../../functions/domain/config/cron-expression.ts";

describe("a cron expression", () => {
  it("is read to the values it allows", () => {
    expect(parseCron(" 0,30 8-10 * JAN-MAR/2 fri-sun ")).toEqual({
      ok: true,
      fields: {
        minute: [0, 30],
        hour: [8, 9, 10],
        dayOfMonth: Array.from({ length: 31 }, (_, index) => index + 1),
        month: [1, 3],
        dayOfWeek: [0, 5, 6],
      },
    });
  });

  it.each([
    ["* * * *", "must have five fields: minute, hour, day of month, month, day of week"],
    ["0 * * * * *", "must have five fields: minute, hour, day of month, month, day of week"],
    ["@daily", "must have five fields: minute, hour, day of month, month, day of week"],
    ["60 * * * *", 'minute "60" is not within 0 to 59'],
    ["0 24 * * *", 'hour "24" is not within 0 to 23'],
    ["0 0 0 * *", 'day of month "0" is not within 1 to 31'],
    ["0 0 L * *", 'day of month "L" is not within 1 to 31'],
    ["0 0 * FOO *", 'month "FOO" is not within 1 to 12'],
    ["0 0 * * 8", 'day of week "8" is not within 0 to 7'],
    ["0 0 * * MON#2", 'day of week "MON#2" is not within 0 to 7'],
    ["5-1 * * * *", 'minute "5-1" ends before it begins'],
    ["5/10 * * * *", 'minute "5/10" must have * or a range before its step'],
    ["*/0 * * * *", 'minute "*/0" must have a step from 1 to 59'],
    ["1, * * * *", 'minute "" is no number, range or step'],
    ["0 0 31 2,4 *", "names a day that none of its months has"],
    ["0 0 */2 * 1", "sets both day of month and day of week, which EventBridge cannot express: one of them must be *"],
  ])("%s %s", (expr, message) => {
    expect(parseCron(expr)).toEqual({ ok: false, message });
  });

  it("allows 29 February", () => {
    expect(parseCron("0 0 29 2 *").ok).toBe(true);
  });

  it("is never one that croner refuses", () => {
    const field = fc.stringMatching(/^[0-9*,\-/A-Z]{1,6}$/);
    fc.assert(
      fc.property(fc.tuple(field, field, field, field, field), (fields) => {
        const expr = fields.join(" ");
        if (parseCron(expr).ok) expect(() => new Cron(expr, { mode: "5-part" })).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});
