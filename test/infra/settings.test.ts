import { describe, expect, it } from "vitest";
import { parseSettings } from "../../infra/settings.ts";

const parse = (context: Record<string, unknown>) => parseSettings((name) => context[name]);

describe("the settings of a deployment", () => {
  it("are those of production unless said otherwise", () => {
    expect(parse({})).toEqual({ ok: true, settings: { stage: "prod" } });
    expect(parse({ stage: "dev" })).toEqual({ ok: true, settings: { stage: "dev" } });
  });

  it("may name who is told of alarms", () => {
    const settings = { stage: "prod", alarmEmail: "ops@example.com" };
    expect(parse({ alarmEmail: "ops@example.com" })).toEqual({ ok: true, settings });
  });

  it("may leave out an index, by the name it has in the table", () => {
    expect(parse({ withoutIndex: "due" })).toEqual({ ok: true, settings: { stage: "prod", withoutIndex: "due" } });
  });

  it("are refused with every problem at once", () => {
    expect(parse({ stage: "test", alarmEmail: "nobody", withoutIndex: "pk" })).toEqual({
      ok: false,
      problems: [
        "stage: must be prod or dev",
        "alarmEmail: must be an e-mail address",
        "withoutIndex: there is no such index",
      ],
    });
  });
});
