import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Agent } from "../../../functions/domain/config/index.ts";
import { CorruptRecordError } from "../../../functions/domain/errors.ts";
import { RawJson } from "../../../functions/domain/raw-json.ts";
import {
  batchRequestLine,
  continuedTurn,
  firstTurn,
  followUpTurn,
  messageBody,
  messageParams,
  parseTurnRequest,
  type TurnRequest,
} from "../../../functions/domain/turn-request.ts";
import { anAgent, manifestId, noon, sessionId } from "./support.ts";

const task = "Summarize last night's alarms.";
const model = "claude-haiku-4-5";
const long = { type: "ephemeral", ttl: "1h" };

const requestOf = (agent: Partial<Agent> = {}, words = task) => {
  const one = anAgent(agent);
  return firstTurn(one, {
    task: words,
    model,
    at: noon,
    cache: { retention: one.cacheRetention === "auto" ? "none" : one.cacheRetention, isAuto: false },
  });
};
/** What goes on the wire for the first turn of a session. */
const sent = (agent: Partial<Agent> = {}, words = task) =>
  messageParams({ requests: [requestOf(agent, words)], answers: [] });

function markersIn(value: unknown): number {
  return JSON.stringify(value).split('"cache_control"').length - 1;
}

describe("the first turn", () => {
  it("sends the task verbatim, as the only user message", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (words) => {
        expect(sent({}, words)["messages"]).toEqual([{ role: "user", content: words }]);
      }),
    );
  });

  it("sends the model it was accepted with, the agent's bound on the answer, and nothing that was not said", () => {
    expect(sent()).toEqual({ model, max_tokens: 1_024, messages: [{ role: "user", content: task }] });
  });

  it("sends the agent's parameters by the API's own names", () => {
    const params = { thinking: { type: "disabled" }, stop_sequences: ["END"] };
    expect(sent({ system: "Be brief.", params })).toEqual({
      model,
      max_tokens: 1_024,
      system: "Be brief.",
      ...params,
      messages: [{ role: "user", content: task }],
    });
  });

  it("freezes what later turns need too: beta headers, cache setting, time and metadata", () => {
    const agent = anAgent({ betas: ["files-api-2025-04-14"], cacheRetention: "none" });
    const cache = { retention: "long", isAuto: false } as const;
    const input = { task, model, at: noon, cache, metadata: { ticket: 7 } };
    expect(firstTurn(agent, input)).toEqual({
      params: { model, max_tokens: 1_024 },
      betas: ["files-api-2025-04-14"],
      cacheRetention: "long",
      message: task,
      at: noon,
      metadata: { ticket: 7 },
    });
  });
});

describe("a conversation of several turns", () => {
  const thinking = { type: "thinking", thinking: "", signature: "EqQBCgIYAhIM=" };
  const unknown = { type: "block_of_tomorrow", input: { z: 1, a: [null, "é"] } };
  const first = [thinking, unknown, { type: "text", text: "All quiet." }];
  const raw = (content: unknown) => new RawJson(JSON.stringify(content));
  const sentFor = (conversation: Parameters<typeof messageBody>[0]) => JSON.parse(messageBody(conversation));
  const paused = { turn: 1, source: manifestId, status: "paused" } as const;
  const followUp = (differently: Partial<TurnRequest>): TurnRequest => ({ ...requestOf(), ...differently });

  it("is sent whole, in order, the answers as they were received", () => {
    const requests = [
      requestOf(),
      followUp({ message: "And the night before?", previous: { turn: 1, source: manifestId, status: "done" } }),
    ];
    expect(sentFor({ requests, answers: [{ content: raw(first) }] })["messages"]).toEqual([
      { role: "user", content: task },
      { role: "assistant", content: first },
      { role: "user", content: "And the night before?" },
    ]);
  });

  it("goes on after pause_turn with the assistant's content last, byte for byte, and no new user message", () => {
    const requests = [requestOf(), followUp({ message: null, previous: paused })];
    const asReceived = '[ {"10":1.0, "2":12345678901234567890, "text":"\\u00e9"} ]';
    const body = messageBody({ requests, answers: [{ content: new RawJson(asReceived) }] });
    const line = batchRequestLine({ sessionId, turn: 2, manifestId }, body);
    expect(line).toContain(`{"role":"assistant","content":${asReceived}}]`);
    expect(line.split('"role":"user"')).toHaveLength(2);
  });

  it("may pause more than once", () => {
    const pause = followUp({ message: null, previous: paused });
    const answers = [{ content: raw(first) }, { content: raw([unknown]) }];
    expect(sentFor({ requests: [requestOf(), pause, pause], answers })["messages"]).toEqual([
      { role: "user", content: task },
      { role: "assistant", content: first },
      { role: "assistant", content: [unknown] },
    ]);
  });

  it("marks the last user message and never an answer, whose thinking blocks may not be marked", () => {
    const system = "You are the night shift. ".repeat(1_000);
    const again = { ...requestOf({ system, cacheRetention: "long" }), message: "And the night before?" };
    const marked = sentFor({ requests: [requestOf(), again], answers: [{ content: raw(first) }] });
    expect(marked["messages"]).toEqual([
      { role: "user", content: task },
      { role: "assistant", content: first },
      { role: "user", content: [{ type: "text", text: "And the night before?", cache_control: long }] },
    ]);
    const paused = sentFor({
      requests: [requestOf(), { ...again, message: null }],
      answers: [{ content: raw(first) }],
    });
    expect(paused["messages"]).toEqual([
      { role: "user", content: task },
      { role: "assistant", content: first },
    ]);
    expect(markersIn(paused)).toBe(1);
  });

  it("goes on without an answer where there was none, so that two messages of the user follow one another", () => {
    const requests = [requestOf(), followUp({ message: "Are you there?" })];
    expect(sentFor({ requests, answers: [undefined] })["messages"]).toEqual([
      { role: "user", content: task },
      { role: "user", content: "Are you there?" },
    ]);
  });

  it("has the parameters of its last request", () => {
    const later = followUp({ params: { model: "claude-sonnet-5-5", max_tokens: 9 }, message: "Go on." });
    const params = sentFor({ requests: [requestOf(), later], answers: [{ content: raw(first) }] });
    expect(params).toMatchObject({ model: "claude-sonnet-5-5", max_tokens: 9 });
  });

  it("has at least one request", () => {
    expect(() => messageParams({ requests: [], answers: [] })).toThrow("at least one request");
  });
});

describe("a line of a batch", () => {
  it("is the custom_id and the parameters, and nothing beside them", () => {
    const body = messageBody({ requests: [requestOf()], answers: [] });
    const line = batchRequestLine({ sessionId, turn: 1, manifestId }, body);
    expect(JSON.parse(line)).toEqual({ custom_id: `${sessionId}_1_${manifestId}`, params: sent() });
    expect(line).not.toContain("\n");
  });
});

describe("a later turn", () => {
  const before = {
    ...requestOf({ system: "Be brief.", betas: ["b"], cacheRetention: "long" }),
    metadata: { ticket: 7 },
    callId: "a call",
    pauses: 2,
  };
  const { params, betas, cacheRetention } = before;

  it("after a pause has the parameters of the one before, no message, and counts the pauses", () => {
    const next = continuedTurn(before, { turn: 3, source: manifestId, at: noon });
    const previous = { turn: 3, source: manifestId, status: "paused" };
    expect(next).toEqual({ params, betas, cacheRetention, message: null, previous, pauses: 3, at: noon });
    expect(continuedTurn(requestOf(), { turn: 1, source: manifestId, at: noon })).toMatchObject({ pauses: 1 });
  });

  it("of the user has the parameters of the one before, which thinking is signed over, and counts anew", () => {
    const said = { message: "And?", callId: "c", previous: { turn: 3, status: "canceled" }, at: noon } as const;
    expect(followUpTurn(before, said)).toEqual({ params, betas, cacheRetention, ...said });
  });
});

describe("a stored request", () => {
  const read = (request: object, turn = 2) => parseTurnRequest(JSON.stringify(request), turn);
  const previous = { turn: 1, source: manifestId, status: "paused" } as const;

  it("reads back as it was written", () => {
    const request = requestOf({ system: "Be brief.", betas: ["files-api-2025-04-14"], cacheRetention: "long" });
    expect(read(request, 1)).toEqual(request);
    for (const later of [continuedTurn(request, { turn: 1, source: manifestId, at: noon }), { ...request, previous }])
      expect(read(later)).toEqual(later);
  });

  it("that names a bare source follows a pause of the turn before, as it was written once", () => {
    const old = { ...requestOf(), message: null, previous: manifestId };
    expect(read(old, 4)).toEqual({ ...old, pauses: 3, previous: { ...previous, turn: 3 } });
  });

  it("that follows itself or a later turn is corrupt, so that nobody walks in a circle", () => {
    for (const turn of [2, 3])
      expect(() => read({ ...requestOf(), previous: { ...previous, turn } })).toThrow("follow");
  });

  it.each([
    ["not JSON", "request:"],
    ['{"params":{},"betas":[],"cacheRetention":"short","at":1}', "request: message"],
    ['{"params":{},"betas":[],"cacheRetention":"auto","message":"a","at":1}', "request: cacheRetention"],
    ['{"params":{},"betas":[],"cacheRetention":"short","message":"a","at":1,"x":1}', "request: x unknown key"],
  ])("that is %s is corrupt, and the error names the field", (text, said) => {
    expect(() => parseTurnRequest(text, 1)).toThrow(CorruptRecordError);
    expect(() => parseTurnRequest(text, 1)).toThrow(said);
  });
});
