import { describe, expect, it } from "vitest";
import { newUlid } from "../../../functions/clients/system.ts";
import { isId } from "../../../functions/domain/ids.ts";

describe("new ids", () => {
  it("are ids, each another one, with every character in every place that chance has a say in", () => {
    const ids = Array.from({ length: 5_000 }, newUlid);
    expect(ids.every(isId)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    for (let place = 10; place < 26; place += 1) expect(new Set(ids.map((id) => id[place])).size).toBe(32);
  });
});
