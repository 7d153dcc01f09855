import { describe, expect, it } from "vitest";
import { agentOf, configOf, parse, problemsOf } from "./read.ts";

const withAgent = (agent: object, defaults: object = {}) => ({
  agents: { defaults, list: [{ id: "worker", ...agent }] },
});

describe("an agent", () => {
  it("without any settings is batched, on the cheapest model, with the usual cache setting", () => {
    expect(agentOf({})).toEqual({
      id: "worker",
      model: "claude-haiku-5-5",
      maxTokens: 4096,
      routing: { mode: "batch", from: "default" },
      lane: { id: "default", from: "default" },
      cacheRetention: "short",
      zeroDataRetention: false,
      delivery: "each",
      params: {},
      betas: [],
    });
  });

  it("takes what it does not say from the defaults, key by key", () => {
    const defaults = {
      model: "claude-opus-5-5",
      maxTokens: 10,
      lane: "bulk",
      routing: "realtime",
      thinking: { type: "adaptive" },
      metadata: { user_id: "d" },
    };
    const agent = agentOf({ maxTokens: 20, metadata: { user_id: "a" } }, defaults);
    expect(agent).toMatchObject({
      model: "claude-opus-5-5",
      maxTokens: 20,
      lane: { id: "bulk", from: "defaults" },
      routing: { mode: "realtime", from: "defaults" },
      params: { thinking: { type: "adaptive" }, metadata: { user_id: "a" } },
    });
  });

  it("tells its ends in digests where it, or the defaults, say so", () => {
    expect(agentOf({ delivery: "digest" }).delivery).toBe("digest");
    expect(agentOf({}, { delivery: "digest" }).delivery).toBe("digest");
    expect(agentOf({ delivery: "each" }, { delivery: "digest" }).delivery).toBe("each");
    expect(problemsOf(withAgent({ delivery: "hourly" }))).toEqual([
      'agents.list[0].delivery: must be "each" or "digest"',
    ]);
  });

  it("says where its own routing and lane come from", () => {
    expect(agentOf({ batch: false, lane: "bulk" }, { routing: "batch" })).toMatchObject({
      routing: { mode: "realtime", from: "agent" },
      lane: { id: "bulk", from: "agent" },
    });
  });

  it("replaces the defaults' system prompt by its own, wherever each is written", () => {
    const files = { "a.md": "From a file." };
    expect(agentOf({ systemFile: "a.md" }, { system: "Default." }, files).system).toBe("From a file.");
    expect(agentOf({ system: "Own." }, { systemFile: "a.md" }, files).system).toBe("Own.");
  });
});

describe("zero data retention", () => {
  it("turns an inherited batch into real time, and says why", () => {
    const routing = { mode: "realtime", from: "zeroDataRetention" };
    expect(agentOf({ zeroDataRetention: true }).routing).toEqual(routing);
    expect(agentOf({ zeroDataRetention: true }, { batch: true }).routing).toEqual(routing);
    expect(agentOf({}, { zeroDataRetention: true }).routing).toEqual(routing);
  });

  it("leaves real time that was chosen as it is", () => {
    expect(agentOf({ zeroDataRetention: true, routing: "realtime" }).routing).toEqual({
      mode: "realtime",
      from: "agent",
    });
  });

  it("may be taken back by an agent that is batched", () => {
    expect(agentOf({ zeroDataRetention: false, batch: true }, { zeroDataRetention: true }).routing.mode).toBe("batch");
  });

  it.each([
    [
      { routing: "batch", zeroDataRetention: true },
      {},
      "agents.list[0].routing: a batch keeps its data up to 29 days, which zeroDataRetention rules out",
    ],
    [
      { batch: true, zeroDataRetention: true },
      {},
      "agents.list[0].batch: a batch keeps its data up to 29 days, which zeroDataRetention rules out",
    ],
    [
      { batch: true },
      { zeroDataRetention: true },
      "agents.list[0].batch: a batch keeps its data up to 29 days, which zeroDataRetention of agents.defaults rules out",
    ],
    [
      {},
      { batch: true, zeroDataRetention: true },
      "agents.defaults.batch: a batch keeps its data up to 29 days, which zeroDataRetention rules out",
    ],
  ])("refuses a batch beside it: %j over %j", (agent, defaults, problem) => {
    expect(problemsOf(withAgent(agent, defaults))).toEqual([problem]);
  });
});

describe("agents", () => {
  it("keep the order of the list, whose first is the default agent", () => {
    const { agents } = configOf({ agents: { list: [{ id: "b" }, { id: "a" }] } });
    expect(agents.map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it.each([
    [{}, "agents.list: is required"],
    [{ list: {} }, "agents.list: must be a list"],
    [{ list: [{}] }, "agents.list[0].id: is required"],
    [{ list: ["worker"] }, "agents.list[0]: must be an object"],
    [{ list: [{ id: "a" }, { id: "b" }, { id: "a" }] }, 'agents.list[2].id: "a" is the id of agents.list[0] already'],
    [{ list: [{ id: "a" }], defaults: { id: "b" } }, "agents.defaults.id: unknown key"],
    [{ list: [{ id: "a" }], defaults: { name: "B" } }, "agents.defaults.name: unknown key"],
    [{ list: [{ id: "a" }], defaults: { lane: "x" } }, 'agents.defaults.lane: unknown lane "x" (known: default, bulk)'],
    [
      { list: [{ id: "a" }], entries: {} },
      "agents.entries: unknown key: write agents.list, where each agent has its id inside",
    ],
  ])("%j: %s", (agents, problem) => {
    expect(problemsOf({ agents })).toContain(problem);
  });

  it("warn once in all of a workspace, which they have no use for", () => {
    const list = [
      { id: "a", workspace: "~/a" },
      { id: "b", workspace: "~/b" },
    ];
    expect(parse({ agents: { defaults: { workspace: "~" }, list } })).toMatchObject({
      ok: true,
      warnings: ["workspace is ignored wherever agents have it: agents of Offpeak have no files"],
    });
  });

  it("with cache markers that the API would refuse is told so at the door, defaults included", () => {
    const cache_control = { type: "ephemeral" };
    const system = Array.from({ length: 4 }, (_, part) => ({ type: "text", text: `${part}`, cache_control }));
    const file = { agents: { defaults: { system }, list: [{ id: "worker", cache_control }] } };
    expect(problemsOf(file)).toEqual(["agents.list[0]: has 5 cache markers, and the API takes 4"]);
  });
});
