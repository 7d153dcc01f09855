import { describe, expect, it } from "vitest";
import { parameterNames, refusedParameter } from "../../../../functions/domain/config/parameters.ts";
import { agentOf, problemsOf } from "./read.ts";

const problems = (agent: object) => problemsOf({ agents: { list: [{ id: "worker", ...agent }] } });

describe("parameters of the Messages API", () => {
  it.each(["temperature", "top_p", "top_k"])("refuse %s, which the API's version refuses", (name) => {
    const reason = "is refused by API version 2026-10-21, even at its default value";
    expect(problems({ [name]: 1 })).toEqual([`agents.list[0].${name}: ${reason}`]);
    expect(problems({ params: { [name]: 1 } })).toEqual([`agents.list[0].params.${name}: ${reason}`]);
  });

  it.each(["stream", "speed", "fallbacks"])("refuse %s, which a batch refuses", (name) => {
    expect(problems({ [name]: true })).toEqual([
      `agents.list[0].${name}: is refused in a batch, and any agent's work may be batched`,
    ]);
  });

  it("point from max_tokens to maxTokens", () => {
    expect(problems({ max_tokens: 0 })).toEqual([
      "agents.list[0].max_tokens: write maxTokens on the agent, at least 1: a batch refuses 0",
    ]);
  });

  it("are either allowed or refused, never both", () => {
    expect(parameterNames.filter((name) => refusedParameter(name) !== undefined)).toEqual([]);
  });

  it.each([
    [{ tools: {} }, "agents.list[0].tools: must be a list of objects"],
    [{ tools: ["search"] }, "agents.list[0].tools[0]: must be an object"],
    [{ thinking: true }, "agents.list[0].thinking: must be an object"],
    [{ stop_sequences: "END" }, "agents.list[0].stop_sequences: must be a list of texts"],
    [{ container: 7 }, "agents.list[0].container: must be text or an object"],
    [{ betas: ["a,b"] }, "agents.list[0].betas[0]: must be the name of a beta feature"],
    [{ system: "" }, 'agents.list[0].system: must be text, or a list of {"type": "text", "text": "…"}, and not empty'],
    [
      { system: [{ type: "image" }] },
      'agents.list[0].system: must be text, or a list of {"type": "text", "text": "…"}, and not empty',
    ],
  ])("%j: %s", (agent, problem) => {
    expect(problems(agent)).toEqual([problem]);
  });

  it("keep blocks of a system prompt with all their keys", () => {
    const system = [{ type: "text", text: "Rules.", cache_control: { type: "ephemeral" } }];
    expect(agentOf({ system }).system).toEqual(system);
  });
});
