import { describe, expect, it } from "vitest";
import { laneSecrets, secretVariable } from "../../../infra/local/lane-secrets.ts";

const lanes = [{ id: "default" }, { id: "night", apiKeySecret: "team/night-key" }];

describe("the key of a lane, on one machine", () => {
  it("is in a variable named by its secret", () => {
    expect(secretVariable("team/night-key")).toBe("OFFPEAK_SECRET_TEAM_NIGHT_KEY");
    const source = { OFFPEAK_SECRET_TEAM_NIGHT_KEY: "sk-night" };
    expect(laneSecrets(lanes, source)).toEqual({ ok: true, secrets: { "team/night-key": "sk-night" } });
  });

  it.each([{}, { OFFPEAK_SECRET_TEAM_NIGHT_KEY: "" }])(
    "is asked for by name at the start where it is missing",
    (source) => {
      const problem = "OFFPEAK_SECRET_TEAM_NIGHT_KEY: must hold the API key of lane night (team/night-key)";
      expect(laneSecrets(lanes, source)).toEqual({ ok: false, problems: [problem] });
    },
  );

  it("may be any where the stand-in answers", () => {
    expect(laneSecrets(lanes, {}, "sk-any")).toEqual({ ok: true, secrets: { "team/night-key": "sk-any" } });
  });
});
