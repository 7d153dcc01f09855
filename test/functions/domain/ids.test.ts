import { createHash } from "node:crypto";
import fc from "fast-check";
import { ulid } from "ulid";
import { describe, expect, it } from "vitest";
import {
  cronJobOf,
  cronKey,
  dashboardKey,
  deliveryId,
  derivedId,
  formatCustomId,
  isId,
  parseCustomId,
  sha256,
} from "../../../functions/domain/ids.ts";
import { manifestId, sessionId } from "./support.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const anId = fc.array(text, { minLength: 1, maxLength: 3 }).map((parts) => derivedId(...parts));

describe("a session id", () => {
  it("may be a ULID, and never holds an underscore", () => {
    expect(isId(ulid())).toBe(true);
    expect(isId(sessionId)).toBe(true);
    expect(isId("01KAJ8Z3M4N5P6Q7R8S9T0V1_2")).toBe(false);
  });

  it.each([
    "",
    "01KAJ8Z3M4N5P6Q7R8S9T0V1W",
    "01KAJ8Z3M4N5P6Q7R8S9T0V1W22",
    "01kaj8z3m4n5p6q7r8s9t0v1w2",
    "01KAJ8Z3M4N5P6Q7R8S9T0V1WI",
    `${sessionId}\n`,
  ])("is not %j", (wrong) => {
    expect(isId(wrong)).toBe(false);
  });
});

describe("a derived id", () => {
  it("is 26 characters of Crockford base32, the same every time", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (parts) => {
        const id = derivedId(...parts);
        expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
        expect(derivedId(...parts)).toBe(id);
      }),
    );
  });

  it("is the first 130 bits of the SHA-256 of its parts, each after its length in bytes", () => {
    const digest = createHash("sha256").update("6:client5:clé!").digest("hex");
    let bits = BigInt(`0x${digest}`) >> 126n;
    let expected = "";
    for (let index = 0; index < 26; index += 1) {
      expected = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".charAt(Number(bits & 31n)) + expected;
      bits >>= 5n;
    }
    expect(derivedId("client", "clé!")).toBe(expected);
  });

  it("stays what it was when the first sessions were accepted", () => {
    expect(derivedId("default", "nightly-2026-11-21")).toMatchInlineSnapshot(`"1DNTTJ0YCSP3ASJP533YWRAC6P"`);
  });

  it("differs for every two lists of parts, however their boundaries fall", () => {
    const lists = fc.array(text, { maxLength: 4 });
    fc.assert(
      fc.property(lists, lists, (some, others) => {
        fc.pre(JSON.stringify(some) !== JSON.stringify(others));
        expect(derivedId(...some)).not.toBe(derivedId(...others));
      }),
    );
  });

  it("differs when one character moves over the boundary between two parts", () => {
    fc.assert(
      fc.property(text, fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (left, right) => {
        const [first = "", ...rest] = right;
        expect(derivedId(left, right)).not.toBe(derivedId(left + first, rest.join("")));
        expect(derivedId(left, right)).not.toBe(derivedId(left + right));
        expect(derivedId(left, right)).not.toBe(derivedId(left, right, ""));
      }),
    );
  });

  it("does not take a length that somebody wrote for one of its own", () => {
    expect(derivedId("a", "b")).not.toBe(derivedId("a1:b"));
  });
});

describe("a custom_id", () => {
  const parts = fc.record({ sessionId: anId, turn: fc.integer({ min: 1, max: 9_999 }), manifestId: anId });

  it("is one that Anthropic takes, and reads back as what was written", () => {
    fc.assert(
      fc.property(parts, (id) => {
        const customId = formatCustomId(id);
        expect(customId).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        expect(parseCustomId(customId)).toEqual(id);
      }),
    );
  });

  it("names session, turn and manifest in that order", () => {
    expect(formatCustomId({ sessionId, turn: 2, manifestId })).toBe(`${sessionId}_2_${manifestId}`);
  });

  const [session, manifest] = [sessionId, manifestId];
  it.each([
    "",
    "request-1",
    `${session}_1`,
    `${session}_0_${manifest}`,
    `${session}_01_${manifest}`,
    `${session}_-1_${manifest}`,
    `${session}_1.5_${manifest}`,
    `${session}_1e3_${manifest}`,
    `${session}_10000_${manifest}`,
    `${session}_1_${manifest}_1`,
    `${session.toLowerCase()}_1_${manifest}`,
    `${session}_1_${manifest.slice(1)}`,
    ` ${session}_1_${manifest}`,
  ])("that is none of ours is not taken for one: %j", (foreign) => {
    expect(parseCustomId(foreign)).toBeUndefined();
  });

  it("of any text reads as nothing, or as exactly that text", () => {
    fc.assert(
      fc.property(fc.string(), (any) => {
        const id = parseCustomId(any);
        expect(id === undefined ? any : formatCustomId(id)).toBe(any);
      }),
    );
  });
});

describe("the other names", () => {
  it("of a session say who runs it and where it came from", () => {
    expect(dashboardKey("worker", sessionId)).toBe("agent:worker:dashboard:01kaj8z3m4n5p6q7r8s9t0v1w2");
    expect(cronJobOf(cronKey("worker", "nightly", sessionId))).toBe("nightly");
    expect(cronJobOf(dashboardKey("worker", sessionId))).toBeUndefined();
    expect(cronKey("worker", "nightly", sessionId)).toBe("agent:worker:cron:nightly:run:01kaj8z3m4n5p6q7r8s9t0v1w2");
  });

  it("of a delivery are the same for a turn however often it is put", () => {
    expect(deliveryId(sessionId, 2)).toBe(`${sessionId}.2.completed`);
  });

  it("of a body are its SHA-256 in hexadecimal", () => {
    expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });
});
