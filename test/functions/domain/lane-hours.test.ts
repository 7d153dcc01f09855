import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { opensAt } from "../../../functions/domain/lane-hours.ts";
import { minuteMs } from "./support.ts";

const hoursOf = (from: number, to: number) => ({ from, to, text: `${from}-${to}` });
const night = hoursOf(22 * 60, 6 * 60);
const day = hoursOf(9 * 60, 17 * 60);
const at = (text: string) => Date.parse(text);

describe("the hours of a lane", () => {
  it("are all day where none are written", () => {
    expect(opensAt({ tz: "UTC" }, at("2026-11-21T03:00:00Z"))).toBe(0);
  });

  it.each([
    [day, "09:00:00", true],
    [day, "16:59:59", true],
    [day, "17:00:00", false],
    [day, "08:59:59", false],
    [night, "22:00:00", true],
    [night, "23:59:59", true],
    [night, "00:00:00", true],
    [night, "05:59:59", true],
    [night, "06:00:00", false],
    [night, "21:59:59", false],
    [hoursOf(18 * 60, 24 * 60), "23:59:59", true],
    [hoursOf(18 * 60, 24 * 60), "00:00:00", false],
  ] as const)("%j hold %s: %s", (hours, time, isOpen) => {
    expect(opensAt({ hours, tz: "UTC" }, at(`2026-11-21T${time}Z`)) === 0).toBe(isOpen);
  });

  it.each([
    [night, "UTC", "2026-11-21T12:34:56Z", "2026-11-21T22:00:00Z"],
    [day, "UTC", "2026-11-21T17:00:00Z", "2026-11-22T09:00:00Z"],
    [night, "Europe/Berlin", "2026-11-21T12:00:00Z", "2026-11-21T21:00:00Z"],
    [night, "Europe/Berlin", "2026-07-21T12:00:00Z", "2026-07-21T20:00:00Z"],
    [night, "America/New_York", "2026-11-21T12:00:00Z", "2026-11-22T03:00:00Z"],
    [day, "Asia/Kolkata", "2026-11-21T12:00:00Z", "2026-11-22T03:30:00Z"],
  ] as const)("%j in %s, asked at %s, begin next at %s", (hours, tz, now, next) => {
    expect(opensAt({ hours, tz }, at(now))).toBe(at(next));
  });

  it("begin at a minute at which they hold, and no minute before it, within a day", () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    const now = fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") });
    const zone = fc.constantFrom("UTC", "Asia/Kolkata", "Asia/Tokyo", "America/Bogota");
    fc.assert(
      fc.property(minute, minute, now, zone, (from, to, when, tz) => {
        fc.pre(from !== to);
        const lane = { hours: hoursOf(from, to), tz };
        const next = opensAt(lane, when);
        fc.pre(next !== 0);
        expect(next).toBeGreaterThan(when);
        expect(next - when).toBeLessThanOrEqual(24 * 60 * minuteMs);
        expect(opensAt(lane, next)).toBe(0);
        expect(opensAt(lane, next - 1)).toBe(next);
      }),
    );
  });
});
