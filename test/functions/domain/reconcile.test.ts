import { describe, expect, it } from "vitest";
import { isMissing, mayBe } from "../../../functions/domain/reconcile.ts";
import { aBatch, aManifest, minuteMs, noon } from "./support.ts";

const skewMs = minuteMs;
const notAfter = noon + 2 * minuteMs;
const manifest = aManifest({ createdAt: noon, notAfter, count: 3 });

describe("a batch that nobody owns", () => {
  it.each([
    ["when the manifest was written", noon, true],
    ["while its call could run", noon + minuteMs, true],
    ["at the bound of its call, by a clock that is ahead", notAfter + skewMs, true],
    ["before the manifest, by a clock that is behind", noon - skewMs, true],
    ["before that", noon - skewMs - 1, false],
    ["after that", notAfter + skewMs + 1, false],
  ])("made %s may be the manifest's: %s", (_, createdAt, may) => {
    expect(mayBe(aBatch({ createdAt }), manifest, skewMs)).toBe(may);
  });

  it("has as many requests as the manifest has members", () => {
    expect(mayBe(aBatch({ total: 4 }), manifest, skewMs)).toBe(false);
    expect(mayBe(aBatch({ total: 2 }), manifest, skewMs)).toBe(false);
  });

  it("may be that of a call without a bound, however late it was made", () => {
    const { notAfter: _, ...unbounded } = manifest;
    expect(mayBe(aBatch({ createdAt: noon + 999 * minuteMs }), unbounded, skewMs)).toBe(true);
  });
});

describe("a batch that ought to be listed by now", () => {
  const graceMs = 5 * minuteMs;

  it("is missing once the grace period after the bound of its call has passed", () => {
    expect(isMissing(manifest, notAfter, graceMs)).toBe(false);
    expect(isMissing(manifest, notAfter + graceMs, graceMs)).toBe(false);
    expect(isMissing(manifest, notAfter + graceMs + 1, graceMs)).toBe(true);
  });

  it("is never missing while its call has no bound", () => {
    const { notAfter: _, ...unbounded } = manifest;
    expect(isMissing(unbounded, noon + 999 * graceMs, graceMs)).toBe(false);
  });
});
