import { describe, expect, it } from "vitest";
import { once } from "../../../functions/domain/once.ts";

describe("a value that is made once", () => {
  it("is made at its first use, and kept", () => {
    let made = 0;
    const value = once(() => ({ number: ++made }));
    expect(made).toBe(0);
    expect(value()).toBe(value());
    expect(made).toBe(1);
  });

  it("is kept even where it is undefined", () => {
    let made = 0;
    const value = once(() => {
      made += 1;
      return undefined;
    });
    value();
    value();
    expect(made).toBe(1);
  });

  it("is made anew after a failure", () => {
    let tries = 0;
    const value = once(() => {
      tries += 1;
      if (tries === 1) throw new Error("not yet");
      return tries;
    });
    expect(value).toThrow("not yet");
    expect(value()).toBe(2);
  });
});
