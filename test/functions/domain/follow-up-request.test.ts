import { describe, expect, it } from "vitest";
import { parseFollowUpBody } from "../../../functions/domain/follow-up-request.ts";

describe("the body of a follow-up", () => {
  it.each([
    [{ message: " And?\n" }, { message: " And?\n" }],
    [
      { message: "a", routing: "realtime" },
      { message: "a", mode: "realtime" },
    ],
    [
      { message: "a", batch: true },
      { message: "a", mode: "batch" },
    ],
    [
      { message: "a", batch: false, routing: "realtime" },
      { message: "a", mode: "realtime" },
    ],
  ])("is a message, verbatim, and perhaps a mode: %j", (body, value) => {
    expect(parseFollowUpBody(body)).toEqual({ ok: true, value });
  });

  it.each([
    [{}, "message"],
    [{ message: "  " }, "message"],
    [{ message: 7 }, "message"],
    [{ message: "\ud800" }, "message"],
    [{ message: "a", routing: "fast" }, "routing"],
    [{ message: "a", batch: "yes" }, "batch"],
    [{ message: "a", batch: true, routing: "realtime" }, "batch"],
    [{ message: "a", model: "claude" }, "model"],
    [["a"], ""],
    [null, ""],
  ])("is refused with the field: %j", (body, path) => {
    expect(parseFollowUpBody(body)).toMatchObject({ ok: false, problems: [{ path }] });
  });
});
