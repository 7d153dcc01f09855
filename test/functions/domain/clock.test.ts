import { describe, expect, it } from "vitest";
import { iso } from "../../../functions/domain/clock.ts";

describe("a time that is shown", () => {
  it("is ISO 8601 in UTC, from milliseconds since the epoch", () => {
    expect(iso(0)).toBe("1970-01-01T00:00:00.000Z");
    expect(iso(Date.parse("2026-11-21T13:00:00.250+01:00"))).toBe("2026-11-21T12:00:00.250Z");
  });
});
