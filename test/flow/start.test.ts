import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { call, delivered, launch, spawnSession, start, temporaryHome, token, waitFor } from "./support.ts";

async function exitOf(home: string, environment: Record<string, string>) {
  const { child, output } = launch(home, environment);
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { code, output: output() };
}

describe("npm start", () => {
  it("ends non-zero before ready, with every problem of the configuration at once", async () => {
    const { home, remove } = temporaryHome();
    const config = join(home, "wrong.json");
    const agents = {
      list: [
        { id: "a", cacheRetenshun: "short" },
        { id: "b", maxTokens: 0, lane: "nowhere" },
      ],
    };
    writeFileSync(config, JSON.stringify({ agents }));
    const { code, output } = await exitOf(home, { OFFPEAK_CONFIG: config });
    expect(code).toBe(1);
    expect(output).toMatch(/agents\.list\[0\]\.cacheRetenshun: unknown key/);
    expect(output).toMatch(/agents\.list\[1\]\.maxTokens: /);
    expect(output).toMatch(/agents\.list\[1\]\.lane: /);
    expect(output).not.toContain("ready http");
    remove();
  });

  it("names what is wrong in its environment", async () => {
    const { home, remove } = temporaryHome();
    const { code, output } = await exitOf(home, { PORT: "http", OFFPEAK_TOKEN: "short", OFFPEAK_TICK_SECONDS: "0" });
    expect(code).toBe(1);
    expect(output).toMatch(/PORT: .*\n.*OFFPEAK_TOKEN: .*\n.*OFFPEAK_TICK_SECONDS: /);
    remove();
  });

  it("holds its data folder alone, and goes on where it was after a clean stop", async () => {
    const { home, remove } = temporaryHome();
    const first = await start(home);
    const second = await exitOf(home, {});
    expect(second.code).toBe(1);
    expect(second.output).toContain("is in use by process");
    const { sessionId } = await spawnSession(first.url, { task: "Before the stop." });
    expect(await first.stop()).toBe(0);
    const again = await start(home);
    expect((await delivered(again.url, sessionId)).status).toBe("done");
    await again.stop();
    remove();
  });

  it("is let in by a federation without any key, and logs neither that token nor its own", async () => {
    const { home, remove } = temporaryHome();
    const config = join(home, "offpeak.json");
    const anthropic = { federation: { organizationId: "org", federationRuleId: "fdrl_1" } };
    writeFileSync(config, JSON.stringify({ agents: { list: [{ id: "worker" }] }, anthropic }));
    const system = await start(home, { OFFPEAK_CONFIG: config });
    const { sessionId } = await spawnSession(system.url, { task: "A task that nobody should read in a log." });
    expect((await delivered(system.url, sessionId)).status).toBe("done");
    expect((await call(system.url, "/api/sessions", { headers: { authorization: "Bearer wrong-guess" } })).status).toBe(
      401,
    );
    await system.stop();
    const log = readFileSync(join(home, "offpeak.log"), "utf8");
    expect(log).toContain("manifest_submitted");
    for (const secret of [token, "wrong-guess", "stand-in-federated", "that nobody should read"]) {
      expect(`${log}${system.output()}`).not.toContain(secret);
    }
    remove();
  });

  it("fires the cron jobs that were missed while it was away, each once", async () => {
    const { home, remove } = temporaryHome();
    const config = join(home, "offpeak.json");
    const payload = { kind: "agentTurn", message: "Nightly." };
    const jobs = [{ id: "hourly", agentId: "worker", schedule: { kind: "every", expr: "1h" }, payload }];
    writeFileSync(config, JSON.stringify({ agents: { list: [{ id: "worker" }] }, cron: { jobs } }));
    writeFileSync(join(home, "cron-fired-until"), String(Date.now() - 3 * 3_600_000));
    const system = await start(home, { OFFPEAK_CONFIG: config });
    const [session] = await waitFor(async () => {
      const { body } = await call(system.url, "/api/sessions");
      return body.sessions.length > 0 ? body.sessions : undefined;
    });
    expect(session.sessionKey).toMatch(/^agent:worker:cron:hourly:run:/);
    await delivered(system.url, session.sessionId);
    const { body } = await call(system.url, "/api/sessions");
    expect(body.sessions).toHaveLength(1);
    await system.stop();
    remove();
  });
});
