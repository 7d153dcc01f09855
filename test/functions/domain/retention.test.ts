import { describe, expect, it } from "vitest";
import {
  daysLater,
  endsBy,
  expiriesOf,
  expiryOf,
  isExpired,
  manifestExpiry,
  sentUntil,
  takesMessagesUntil,
} from "../../../functions/domain/retention.ts";
import { nextLook } from "../../../functions/domain/session.ts";
import { aSession, noon } from "./support.ts";

const dayMs = 24 * 3_600_000;
const expiresAt = expiryOf(noon, 90);

describe("a session that is kept for 90 days", () => {
  it("takes messages for so long, and goes a month later", () => {
    expect(expiresAt * 1000).toBe(noon + 120 * dayMs);
    expect(takesMessagesUntil({ expiresAt })).toBe(noon + 90 * dayMs);
  });

  it("is sent until three days before it goes, and has ended a day before", () => {
    expect(sentUntil({ expiresAt })).toBe(noon + 117 * dayMs);
    expect(endsBy({ expiresAt })).toBe(noon + 119 * dayMs);
  });

  it("is gone in the very second, removed or not", () => {
    expect(isExpired({ expiresAt }, noon + 120 * dayMs - 1)).toBe(false);
    expect(isExpired({ expiresAt }, noon + 120 * dayMs)).toBe(true);
  });

  it("is looked at when it is sent no more, though it is held for longer", () => {
    const held = aSession({ expiresAt, notBefore: noon + 200 * dayMs });
    expect(nextLook(held, held.notBefore, 0)).toEqual({ purpose: "rescue", at: noon + 117 * dayMs });
    expect(nextLook(held, noon + dayMs, 0)).toEqual({ purpose: "rescue", at: noon + dayMs });
  });
});

describe("what was written before there was an end to it", () => {
  it("stays, takes messages, and is sent", () => {
    expect(isExpired({}, Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(isExpired({ expiresAt: "soon" }, Number.MAX_SAFE_INTEGER)).toBe(false);
    expect([takesMessagesUntil({}), sentUntil({}), endsBy({})]).toEqual([undefined, undefined, undefined]);
  });
});

describe("a manifest", () => {
  it("knows when the first and the last of its members go", () => {
    expect(expiriesOf([7, 9, 8].map((seconds) => aSession({ expiresAt: seconds })))).toEqual({
      firstExpiry: 7,
      lastExpiry: 9,
    });
    expect(expiriesOf([aSession()])).toEqual({});
  });

  it("is kept as long as any of them, and 35 days from its end", () => {
    expect(manifestExpiry({ lastExpiry: expiresAt }, noon)).toBe(expiresAt);
    expect(manifestExpiry({ lastExpiry: expiresAt }, noon + 100 * dayMs)).toBe(daysLater(noon + 100 * dayMs, 35));
    expect(manifestExpiry({}, noon)).toBe(daysLater(noon, 35));
  });
});
