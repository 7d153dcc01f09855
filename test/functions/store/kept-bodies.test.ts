import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keepBodies, withBodies } from "../../../functions/store/kept-bodies.ts";

const keep = (bodies: readonly string[]) => keepBodies(bodies).map((body, place) => ({ place, body }));

describe("bodies that wait to be sent", () => {
  it("come back as they were, each with its own, whatever they hold and in whatever order they are asked for", () => {
    const order = fc.array(fc.nat({ max: 8 }), { maxLength: 9 });
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 9 }), order, (bodies, places) => {
        const kept = keep(bodies);
        const asked = [...new Set(places)].flatMap((place) => kept[place] ?? []);
        const read = [...withBodies(asked)].map(([{ place }, text]) => [place, text] as const);
        expect(new Map(read)).toEqual(new Map(asked.map(({ place }) => [place, bodies[place]])));
      }),
    );
  });

  it("say how many bytes each of them has", () => {
    const bodies = ["", "ü 🌙", "x".repeat(3_000_000), "z"];
    expect(keepBodies(bodies).map(({ fromByte, toByte }) => toByte - fromByte)).toEqual(
      bodies.map((body) => Buffer.byteLength(body)),
    );
  });

  it("are compressed together, but no more of them than 256 KB and the one that fills it", () => {
    const alike = Array.from({ length: 4 }, (_, place) => `${place}${"a task of the night ".repeat(5_000)}`);
    const bundles = new Set(keepBodies(alike).map(({ bundle }) => bundle));
    expect([...bundles].map(({ bytes }) => bytes)).toEqual([300_003, 100_001]);
    for (const { compressed, bytes } of bundles) expect(compressed.byteLength).toBeLessThan(bytes / 100);
  });

  it("keep nothing but what was compressed: no larger buffer around it", () => {
    for (const { bundle } of keepBodies(["a short one"]))
      expect(bundle.compressed.buffer.byteLength).toBe(bundle.compressed.byteLength);
  });
});
