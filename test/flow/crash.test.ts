import { afterAll, expect, it } from "vitest";
import { bill, delivered, type RunningSystem, setFault, spawnSession, start, temporaryHome } from "./support.ts";

const { home, remove } = temporaryHome();
let system: RunningSystem;
afterAll(async () => {
  await system.stop();
  remove();
});

it("accepted is kept and paid once, though the process is killed and the API fails after the fact", async () => {
  system = await start(home);
  const accepted = new Map<string, string>();
  for (let round = 0; round < 4; round += 1) {
    await setFault(system, { kind: "lost_response", on: "create", times: 1 });
    await setFault(system, { kind: "truncated_at_line", on: "results", times: 1 });
    const keys = Array.from({ length: 10 }, (_, index) => `round-${round}-${index}`);
    const spawned = await Promise.all(
      keys.map((key) => spawnSession(system.url, { task: `Task ${key}.`, agentId: "worker" }, key)),
    );
    for (const [index, key] of keys.entries()) accepted.set(key, spawned[index].sessionId);
    await system.kill();
    system = await start(home);
    // The caller did not hear that its tasks were accepted, and asks again.
    const [key = ""] = keys;
    const { sessionId } = await spawnSession(system.url, { task: `Task ${key}.`, agentId: "worker" }, key);
    expect(sessionId).toBe(accepted.get(key));
  }
  const ids = [...accepted.values()];
  const sessions = await Promise.all(ids.map((id) => delivered(system.url, id, 60_000)));
  expect(sessions.map(({ status }) => status)).toEqual(ids.map(() => "done"));
  const paid = (await bill(system)).map(({ customId }) => customId.split("_")[0]);
  expect(paid).toHaveLength(ids.length);
  expect(new Set(paid)).toEqual(new Set(ids));
}, 120_000);
