import { describe, expect, it } from "vitest";
import { agreed, modeOf } from "../../../../functions/domain/config/choices.ts";

function agree(...values: (string | undefined)[]) {
  const problems: string[] = [];
  const places = values.map((value, index) => ({ path: ["agent", `key${index}`], value }));
  return { said: agreed(places, (path, message) => problems.push(`${path.join(".")}: ${message}`))?.value, problems };
}

describe("a setting with more than one name", () => {
  it("is what the first of them says", () => {
    expect(agree(undefined, "a", "a")).toEqual({ said: "a", problems: [] });
    expect(agree(undefined, undefined)).toEqual({ said: undefined, problems: [] });
  });

  it("is a problem where they disagree", () => {
    expect(agree("a", undefined, "b").problems).toEqual(['agent.key2: disagrees with key0 "a"']);
  });
});

describe("batch", () => {
  it.each([
    [true, "batch"],
    [{ enabled: true }, "batch"],
    [false, "realtime"],
    [{ enabled: false }, "realtime"],
    [undefined, undefined],
  ])("%j means %s", (batch, mode) => {
    expect(modeOf(batch)).toBe(mode);
  });
});
