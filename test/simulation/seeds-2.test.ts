import { describe, it } from "vitest";
import { wholeRound } from "./run.ts";
import { expectSeedsToHold } from "./seeds.ts";

// Two files, so that two processors share a round of the seeds.
const half = Math.floor(wholeRound / 2);

describe("under crashes, lost answers, doubled calls, slow ones, and writes that come at the worst moment", () => {
  it(
    "every invariant holds at rest, in the second half of the seeds",
    () => expectSeedsToHold({ from: half + 1, to: wholeRound }),
    600_000,
  );
});
