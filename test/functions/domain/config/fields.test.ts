import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { id, integer, model, oneOf, text, timeZone } from "../../../../functions/domain/config/fields.ts";

const messages = (schema: v.GenericSchema, value: unknown) =>
  v.safeParse(schema, value).issues?.map(({ message }) => message) ?? [];

describe("fields", () => {
  it.each(["a", "night-shift_2", "0", "a".repeat(64)])("take %s for an id", (value) => {
    expect(messages(id, value)).toEqual([]);
  });

  it.each(["", "A", "-a", "a b", "a:b", "a".repeat(65)])("do not take %j for an id", (value) => {
    expect(messages(id, value)).not.toEqual([]);
  });

  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])("take %s for a time zone", (value) => {
    expect(messages(timeZone, value)).toEqual([]);
  });

  it.each(["", "Mars/Olympus", "+01:00", "Berlin"])("do not take %j for a time zone", (value) => {
    expect(messages(timeZone, value)).toEqual(["must be an IANA time zone, such as Europe/Berlin"]);
  });

  it("say the range of an integer", () => {
    expect(messages(integer(1, 5), 5.5)).toContain("must be an integer from 1 to 5");
    expect(messages(integer(1, 5), 6)).toEqual(["must be an integer from 1 to 5"]);
  });

  it("list the words that may be chosen", () => {
    expect(messages(oneOf("a", "b", "c"), "d")).toEqual(['must be "a", "b" or "c"']);
  });

  it("refuse text that is blank or broken", () => {
    expect(messages(text(5), " ")).toEqual(["must not be empty"]);
    expect(messages(text(5), "\ud800")).toEqual(["must be well-formed Unicode"]);
  });

  it("refuse a model with OpenClaw's prefix", () => {
    expect(messages(model, "anthropic/claude-haiku-5-5")).toEqual([
      'must be the id that Anthropic uses, without "anthropic/" before it',
    ]);
  });
});
