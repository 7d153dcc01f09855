import { describe, expect, it } from "vitest";
import { agentOf, problemsOf } from "./read.ts";

const problems = (agent: object, files = {}) => problemsOf({ agents: { list: [{ id: "worker", ...agent }] } }, files);

describe("the keys of an agent", () => {
  it("take synonyms that agree", () => {
    expect(agentOf({ routing: "realtime", batch: false }).routing.mode).toBe("realtime");
    expect(agentOf({ cacheRetention: "long", params: { cacheRetention: "long" } }).cacheRetention).toBe("long");
    expect(agentOf({ params: { cacheRetention: "none" } }).cacheRetention).toBe("none");
  });

  it("take parameters of the API beside params and inside, each by its own name", () => {
    const agent = agentOf({
      thinking: { type: "adaptive" },
      params: { stop_sequences: ["END"] },
      betas: ["files-api-2025-04-14"],
    });
    expect(agent.params).toEqual({ thinking: { type: "adaptive" }, stop_sequences: ["END"] });
    expect(agent.betas).toEqual(["files-api-2025-04-14"]);
  });

  it.each([
    [{ id: "Worker" }, "agents.list[0].id: must match ^[a-z0-9][a-z0-9_-]{0,63}$"],
    [{ routing: "batch", batch: false }, 'agents.list[0].batch: disagrees with routing "batch"'],
    [{ routing: "later" }, 'agents.list[0].routing: must be "batch" or "realtime"'],
    [{ batch: "yes" }, "agents.list[0].batch: must be true or false"],
    [{ cacheRetention: "always" }, 'agents.list[0].cacheRetention: must be "none", "short", "long" or "auto"'],
    [
      { cacheRetention: "long", params: { cacheRetention: "short" } },
      'agents.list[0].params.cacheRetention: disagrees with cacheRetention "long"',
    ],
    [
      { params: { cacheRetention: "always" } },
      'agents.list[0].params.cacheRetention: must be "none", "short", "long" or "auto"',
    ],
    [{ params: [] }, "agents.list[0].params: must be an object"],
    [
      { params: { maxTokens: 5 } },
      "agents.list[0].params.maxTokens: unknown key: maxTokens belongs on the agent itself",
    ],
    [{ params: { thinkng: {} } }, "agents.list[0].params.thinkng: unknown key (did you mean thinking?)"],
    [{ tools: [], params: { tools: [{}] } }, "agents.list[0].params.tools: disagrees with tools []"],
    [{ maxTokens: 300_001 }, "agents.list[0].maxTokens: must be an integer from 1 to 300000"],
    [{ maxTokens: "many" }, "agents.list[0].maxTokens: must be an integer from 1 to 300000"],
    [{ model: " " }, "agents.list[0].model: must not be empty"],
    [{ model: null }, "agents.list[0].model: must be text"],
    [{ system: "a", systemFile: "b.md" }, "agents.list[0].systemFile: cannot be given together with system"],
    [{ systemFile: "gone.md" }, "agents.list[0].systemFile: gone.md cannot be read"],
    [{ systemFile: "empty.md" }, "agents.list[0].systemFile: empty.md is empty"],
    [{ modle: "claude-haiku-5-5" }, "agents.list[0].modle: unknown key (did you mean model?)"],
    [{ heartbeat: {} }, "agents.list[0].heartbeat: unknown key"],
  ])("%j: %s", (agent, problem) => {
    expect(problems(agent, { "b.md": "B.", "empty.md": "\n" })).toEqual([problem]);
  });
});
