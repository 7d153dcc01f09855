import { describe, expect, it } from "vitest";
import { everyKind } from "../../support/every-kind.ts";
import { token } from "../../support/ports.ts";

describe("what the functions log", () => {
  it("of a night with refusals, crashes and damage is no key, no token, no prompt and no answer", async () => {
    const world = await everyKind();
    const { token: made } = (await (
      await world.http("/api/tokens", {
        method: "POST",
        body: JSON.stringify({ name: "late", scopes: ["read"], agents: "*" }),
      })
    ).json()) as { token: string };
    for (const text of [token, made, `${made}x`]) await world.authorize(`Bearer ${text}`, "203.0.113.9");
    world.api.faults.set({ on: "create", kind: "unauthorized", times: 2 });
    world.api.faults.set({ on: "message", kind: "unauthorized", times: 2 });
    await world.accept("Refused.");
    await world.accept("Refused now.", { agentId: "live" });
    await world.ticks(3);
    const logged = JSON.stringify(world.logs);
    const codes = new Set(world.codes());
    for (const code of ["lane_parked", "login_failed", "token_created"]) expect(codes).toContain(code);
    for (const secret of ["sk-test", token, made.slice(-43), "Bearer", "Refused", "night shift", "Write the report"])
      expect(logged).not.toContain(secret);
  });
});
