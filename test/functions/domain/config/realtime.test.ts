import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../functions/domain/config/index.ts";

const agents = { list: [{ id: "worker" }] };
const read = (realtime?: unknown) => parseConfig(JSON.stringify({ agents, realtime }), () => undefined);

describe("the limit of real-time work", () => {
  it("is ten calls at once, unless it is said", () => {
    expect(read()).toMatchObject({ config: { realtime: { maxConcurrency: 10 } } });
    expect(read({})).toMatchObject({ config: { realtime: { maxConcurrency: 10 } } });
    expect(read({ maxConcurrency: 200 })).toMatchObject({ config: { realtime: { maxConcurrency: 200 } } });
  });

  it.each([1, 1_001, 2.5, "4"])("is one that AWS takes for an event source, and not %j", (maxConcurrency) => {
    const parsed = read({ maxConcurrency });
    expect(parsed.ok ? [] : parsed.problems).toEqual([expect.stringMatching(/^realtime\.maxConcurrency: must be/)]);
  });

  it("has no key that is not known", () => {
    expect(read({ maxConcurency: 4 })).toMatchObject({ problems: [expect.stringContaining("realtime.maxConcurency")] });
  });
});
