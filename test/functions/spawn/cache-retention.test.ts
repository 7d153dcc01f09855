import { describe, expect, it } from "vitest";
import { requestsOf } from "../../support/batches.ts";
import { testWorld } from "../../support/world.ts";

/** More than the 512 tokens that the model caches at least. */
const system = "You are the night shift. ".repeat(100);
const agents = {
  list: [
    { id: "usual", system },
    { id: "hourly", system, cacheRetention: "long" },
    { id: "bare", system, cacheRetention: "none" },
  ],
};
const job = {
  id: "nightly",
  agentId: "hourly",
  schedule: { kind: "every", expr: "1h" },
  payload: { kind: "agentTurn", message: "Write the report." },
};

function markersIn(params: unknown): unknown[] {
  const found: unknown[] = [];
  JSON.stringify(params, (key, value: unknown) => (key === "cache_control" ? found.push(value) : value));
  return found;
}

/** The markers of the one request that the API received. */
async function received(task: Record<string, unknown>, file: object = { agents }) {
  const world = testWorld({ config: file });
  if ("time" in task) await world.spawnFromEvent(task);
  else await world.accept("Write the report.", task);
  await world.ticks(1);
  const [request, ...others] = requestsOf(world);
  expect(others).toEqual([]);
  return markersIn(request?.params);
}

const short = { type: "ephemeral" };
const long = { type: "ephemeral", ttl: "1h" };

describe("cacheRetention, as the API receives it", () => {
  it.each([
    ["short where nothing says otherwise", { agentId: "usual" }, [short, short]],
    ["the agent's", { agentId: "hourly" }, [long, long]],
    ["none of it, with none", { agentId: "bare" }, []],
    ["the request's before the agent's", { agentId: "hourly", cacheRetention: "short" }, [short, short]],
    ["none at all for a request that says so", { agentId: "hourly", cacheRetention: "none" }, []],
    ["the request's, where the agent has none", { agentId: "bare", cacheRetention: "long" }, [long, long]],
  ])("is %s", async (_, task, markers) => {
    expect(await received(task)).toEqual(markers);
  });

  it("is that of the defaults for an agent that does not say", async () => {
    const defaults = { cacheRetention: "long" };
    expect(await received({ agentId: "usual" }, { agents: { ...agents, defaults } })).toEqual([long, long]);
    expect(await received({ agentId: "bare" }, { agents: { ...agents, defaults } })).toEqual([]);
  });

  it.each([
    [{}, [long, long]],
    [{ cacheRetention: "none" }, []],
    [{ payload: { ...job.payload, cacheRetention: "short" } }, [short, short]],
  ])("of a cron job with %j is %j", async (differently, markers) => {
    const file = { agents, cron: { jobs: [{ ...job, ...differently }] } };
    expect(await received({ cronJob: "nightly", time: "2026-11-22T03:00:00Z" }, file)).toEqual(markers);
  });

  it("is the same for a real-time call", async () => {
    const world = testWorld({ config: { agents } });
    await world.accept("Now.", { agentId: "hourly", routing: "realtime" });
    await world.ticks(1);
    const call = world.api.calls.find(({ url }) => url === "/v1/messages");
    expect(markersIn(JSON.parse(call?.body ?? "{}"))).toEqual([long, long]);
  });

  it("is frozen at acceptance: a later configuration changes nothing", async () => {
    const world = testWorld({ config: { agents } });
    await world.accept("Write the report.", { agentId: "hourly" });
    const other = world.configured({ agents: { list: [{ id: "hourly", system, cacheRetention: "none" }] } });
    await other.batch();
    expect(markersIn(requestsOf(world)[0]?.params)).toEqual([long, long]);
  });
});
