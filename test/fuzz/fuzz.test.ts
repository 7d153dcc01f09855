import { describe, expect, it } from "vitest";
import { fuzz, targets } from "./fuzz.ts";

/** The same cases each time; `npm run fuzz` has others, and more of them. */
const [cases, seed] = [4_000, 20_261_122];

describe("whatever comes in", () => {
  it.each(targets.map((one) => [one.target.name, one] as const))(
    "as %s is answered or refused in words of ours: nothing breaks, nothing hangs, what is accepted is kept",
    async (_name, one) => {
      expect((await fuzz(one, cases, seed)).failure).toBeUndefined();
    },
  );
});
