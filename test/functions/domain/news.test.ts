import { describe, expect, it } from "vitest";
import { newsFilter } from "../../../functions/domain/news.ts";

describe("what is new of a name", () => {
  it("is a state other than the last, and at first any that is not well", () => {
    const isNews = newsFilter();
    const states = [undefined, "away", "away", "cut", undefined, undefined, "cut"];
    expect(states.map((state) => isNews("list", state))).toEqual([false, true, false, true, true, false, true]);
  });

  it("is told apart from that of another name", () => {
    const isNews = newsFilter();
    expect([isNews("one", "away"), isNews("other", "away"), isNews("one", "away")]).toEqual([true, true, false]);
  });
});
