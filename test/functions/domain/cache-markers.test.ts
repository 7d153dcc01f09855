import { describe, expect, it } from "vitest";
import { bytesOfPrefix, isCached, markersProblem, withCacheMarkers } from "../../../functions/domain/cache-markers.ts";
import { RawJson } from "../../../functions/domain/raw-json.ts";

const short = { type: "ephemeral" };
const long = { type: "ephemeral", ttl: "1h" };
const model = "claude-haiku-4-5";
const task = "Summarize last night's alarms.";
const messages = [{ role: "user", content: task }];
/** 4,500 tokens, where 4,096 are the least. */
const system = "You are the night shift. ".repeat(720);
const tools = [{ name: "look", description: system }, { name: "listen" }];
const sent = (params: object, retention: "none" | "short" | "long") =>
  withCacheMarkers({ model, messages, ...params }, { retention });

function markersIn(value: unknown): number {
  return JSON.stringify(value).split('"cache_control"').length - 1;
}

describe("cache markers", () => {
  const blocks = [
    { type: "text", text: "You are the night shift." },
    { type: "text", text: system },
  ];

  it("are none anywhere with none, those of the agent's own included", () => {
    const own = [{ ...blocks[0], cache_control: long }, blocks[1]];
    const ownTools = [{ ...tools[0], cache_control: short }, tools[1]];
    for (const params of [{}, { system }, { system: blocks }, { tools }, { system: own }, { system, tools: ownTools }])
      expect(markersIn(sent({ ...params, cache_control: short }, "none"))).toBe(0);
    expect(sent({ system: own, tools: ownTools }, "none")).toEqual({ model, messages, system: blocks, tools });
  });

  it.each([
    ["short", short],
    ["long", long],
  ] as const)("with %s stand on the system prompt and on the task, as %j", (retention, marker) => {
    const params = sent({ system }, retention);
    expect(params["system"]).toEqual([{ type: "text", text: system, cache_control: marker }]);
    const content = [{ type: "text", text: task, cache_control: marker }];
    expect(params["messages"]).toEqual([{ role: "user", content }]);
    expect(markersIn(params)).toBe(2);
  });

  it("stand on the last block of a system prompt that is a list of blocks, and change no other", () => {
    expect(sent({ system: blocks }, "long")["system"]).toEqual([blocks[0], { ...blocks[1], cache_control: long }]);
  });

  it("stand on the last tool where there is no system prompt", () => {
    const params = sent({ tools }, "short");
    expect(params["tools"]).toEqual([tools[0], { ...tools[1], cache_control: short }]);
    expect(params).not.toHaveProperty("system");
    expect(markersIn(params)).toBe(2);
  });

  it("leave the tools alone where there is a system prompt, which comes after them", () => {
    const params = sent({ system, tools }, "short");
    expect(params["tools"]).toEqual(tools);
    expect(markersIn(params)).toBe(2);
  });

  it("stand on the task alone where there is no stable prefix", () => {
    const content = [{ type: "text", text: system, cache_control: short }];
    expect(sent({ messages: [{ role: "user", content: system }] }, "short")["messages"]).toEqual([
      { role: "user", content },
    ]);
    expect(sent({ tools: [], messages: [{ role: "user", content: system }] }, "short")["tools"]).toEqual([]);
  });

  it("stand on nothing that is too short for the model to cache", () => {
    const brief = "You are brief.";
    expect(sent({ system: brief }, "long")).toEqual({ model, messages, system: brief });
    const tooShort = { system: "x".repeat(4 * 4_095), messages: [{ role: "user", content: "x" }] };
    expect(markersIn(sent(tooShort, "short"))).toBe(1);
    expect(markersIn(sent({ ...tooShort, system: "x".repeat(4 * 4_096) }, "short"))).toBe(2);
    expect(markersIn(sent({ ...tooShort, model: "claude-haiku-5-5" }, "short"))).toBe(2);
  });

  it("stand on a long task after a short prefix, which is cached together with it", () => {
    const params = sent({ system: "Be brief.", messages: [{ role: "user", content: system }] }, "short");
    expect(params["system"]).toBe("Be brief.");
    expect(markersIn(params["messages"])).toBe(1);
  });

  it("count what was answered so far, and never mark it", () => {
    const answered = [
      { role: "user", content: "?" },
      { role: "assistant", content: new RawJson(JSON.stringify([{ type: "text", text: system }])) },
    ];
    expect(sent({ messages: answered }, "short")["messages"]).toEqual(answered);
    const asked = sent({ messages: [...answered, { role: "user", content: "And?" }] }, "short")["messages"];
    expect(asked).toMatchObject([{ content: "?" }, {}, { content: [{ text: "And?", cache_control: short }] }]);
  });

  it.each([
    ["the system prompt", { system: [{ ...blocks[0], cache_control: long }, blocks[1]] }],
    ["a tool", { system, tools: [{ ...tools[0], cache_control: long }, tools[1]] }],
    ["the request itself", { system, cache_control: long }],
  ])("of the agent's own, on %s, are kept and get no company", (_, params) => {
    expect(sent(params, "short")).toEqual({ model, messages, ...params });
  });

  it("change nothing of what they are given, so that a request is the same without them", () => {
    const params = { model, system: blocks, messages };
    withCacheMarkers(params, { retention: "short" });
    expect(markersIn(params)).toBe(0);
  });
});

describe("an agent's own markers", () => {
  const marked = (...ttls: (string | undefined)[]) =>
    ttls.map((ttl) => ({
      type: "text",
      text: "a",
      cache_control: { type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) },
    }));

  it.each([
    [{}, undefined],
    [{ tools: marked("1h"), system: marked("1h", "5m"), cache_control: { type: "ephemeral" } }, undefined],
    [{ tools: marked("1h", "1h"), system: marked("1h", "1h", "1h") }, "has 5 cache markers, and the API takes 4"],
    [{ system: marked(undefined, undefined, undefined, undefined), cache_control: {} }, "has 5 cache markers"],
    [{ tools: marked(undefined), system: marked("1h") }, "of an hour after one of 5 minutes"],
    [{ system: marked("5m"), cache_control: { type: "ephemeral", ttl: "1h" } }, "of an hour after one of 5 minutes"],
  ])("of %j are held against the API's rules: %s", (params, problem) => {
    const found = markersProblem(params);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });
});

describe("a prefix", () => {
  it("is the tools and the system prompt, in bytes", () => {
    expect(bytesOfPrefix({ system: "é" })).toBe(2);
    expect(bytesOfPrefix({})).toBe(0);
    expect(bytesOfPrefix({ tools: [], system: "ab" })).toBe(2);
    expect(bytesOfPrefix({ tools: [{ name: "a" }], system: "ab" })).toBe(2 + '[{"name":"a"}]'.length);
  });

  it("of nothing is never cached, whatever the model", () => {
    expect(isCached({ model: "claude-tomorrow" }, 0)).toBe(false);
    expect(isCached({ model: "claude-tomorrow" }, 1)).toBe(true);
  });
});
