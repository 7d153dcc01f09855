import { describe, expect, it, vi } from "vitest";
import { sampleItems, worldOf } from "../support/every-kind.ts";
import { apiKeySecret, tokenSecret } from "../support/ports.ts";
import { type TestWorld, testWorld } from "../support/world.ts";

/** Each stands for one thing that nobody but its owner may see, wherever it turns up. */
const prompt = "PROMPT-4f1c";
const answer = "ANSWER-9b7e";
const key = "sk-ant-KEY-2d6a";
const token = "TOKEN-8e3b";
const marks = [prompt, answer, key, token];

/** All that a world logged, and whatever else went to the console. */
function watched(world: TestWorld) {
  const written: string[] = [];
  const write = (chunk: unknown) => written.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(write);
  vi.spyOn(process.stderr, "write").mockImplementation(write);
  return () => {
    vi.restoreAllMocks();
    return `${JSON.stringify(world.logs)}${written.join("")}`;
  };
}

const expectNone = (text: string) => {
  for (const mark of marks) expect(text).not.toContain(mark);
};
const secretWorld = (more = {}) => testWorld({ secrets: { [apiKeySecret]: key, [tokenSecret]: token }, ...more });

describe("what is logged of a night in which much goes wrong", () => {
  it("has no prompt, no answer, no key and no token in it", async () => {
    const world = secretWorld();
    const said = watched(world);
    const say = (text = "") => `${prompt} [[stand-in: answer ${answer}]] ${text}`;
    const done = await world.accept(say(), { label: "nightly", metadata: { of: prompt } });
    await world.accept(say(), { agentId: "live" });
    await world.accept(say("[[stand-in: errored invalid_request_error]]"));
    await world.accept(say("[[stand-in: errored overloaded_error times 1]]"));
    await world.accept(say("[[stand-in: malformed]]"));
    await world.accept(say("[[stand-in: credit times 1]]"), { lane: "bulk" });
    await world.accept(say(), { timeoutSeconds: 200, onDeadline: "fallback" });
    await world.accept(say(), { timeoutSeconds: 60, onDeadline: "fail" });
    for (const kind of ["unauthorized", "server_error", "lost_response", "too_large_html", "rate_limited"] as const)
      world.api.faults.set({ on: "create", kind, times: 1 });
    for (const kind of ["garbled_line", "foreign_line", "reset_mid_stream", "truncated_mid_line"] as const)
      world.api.faults.set({ on: "results", kind, times: 1 });
    for (const kind of ["lost_response", "unauthorized", "bad_request"] as const)
      world.api.faults.set({ on: "message", kind, times: 1 });
    await world.ticks(200);
    await world.http(`/api/sessions/${done}/messages`, {
      method: "POST",
      body: JSON.stringify({ message: say() }),
    });
    world.api.refuse = (body) => (body.includes(prompt) ? `messages.0: ${body} with ${key}` : undefined);
    await world.ticks(60);
    await world.authorize(`Bearer ${token}x`, "203.0.113.9");
    await world.authorize(`Bearer ${token}`, "203.0.113.9");
    for (const detail of [{ task: prompt, batch: prompt }, { task: 5, metadata: prompt }, prompt, [prompt]])
      await world.spawnFromEvent({ "detail-type": "offpeak.spawn", source: "s", id: "i", detail });
    await world.runMessage(JSON.stringify({ sessionId: prompt }));
    await world.queues.send("default", [{ sessionId: prompt, turn: 1, attempt: 1, sendNo: 1 }]);
    await world.batch();
    expect(world.codes().length).toBeGreaterThan(60);
    expectNone(said());
  });

  it("has none of a stored item that is damaged either, whatever lies where it should not", async () => {
    for (let which = 0; which < 12; which += 1) {
      const world = await worldOf("v1", 1_795_320_700_000);
      const said = watched(world);
      for (const item of sampleItems("v1")) {
        const names = Object.keys(item).filter((name) => !/^(pk|sk|due|dueAt|byAgent|byLabel|listAt)$/.test(name));
        const name = names[which % names.length];
        const damaged = {
          ...item,
          ...(name === undefined ? {} : { [name]: which % 2 === 0 ? prompt : { text: prompt } }),
        };
        await world.table.put({ item: damaged, when: [] });
      }
      await world.ticks(2);
      const paths = world.table.items().flatMap(({ pk, sk }) => (sk === "META" ? [pk.replace("SESSION#", "")] : []));
      for (const id of paths) await world.http(`/api/sessions/${id}`);
      for (const path of ["/api/sessions", "/api/batches", "/api/lanes", "/api/usage"]) await world.http(path);
      expectNone(said());
    }
  });
});

describe("what an error says to its caller", () => {
  it("is what to change, and never what they, or somebody else, had sent", async () => {
    const world = secretWorld();
    const id = await world.accept(prompt, { label: "nightly" });
    const bodies = [
      prompt,
      JSON.stringify(prompt),
      JSON.stringify([prompt]),
      JSON.stringify({ task: { text: prompt } }),
      JSON.stringify({ task: "x", agentId: prompt.toLowerCase(), model: prompt.repeat(40) }),
      JSON.stringify({ task: prompt, timeoutSeconds: prompt, batch: prompt, onDeadline: prompt, metadata: prompt }),
      JSON.stringify({ message: { text: prompt } }),
      JSON.stringify({ label: { text: prompt } }),
    ];
    const posts = [
      "/api/sessions/spawn",
      "/api/sessions/spawn/bulk",
      `/api/sessions/${id}/messages`,
      "/api/sessions/cancel",
    ];
    const gets = [
      `/api/sessions/${prompt}`,
      `/api/sessions?status=${prompt}`,
      `/api/sessions?cursor=${prompt}&limit=${prompt}`,
    ];
    const authorization = `Bearer ${token}`;
    for (const path of posts)
      for (const body of bodies)
        expectNone(await errorOf(world, path, { method: "POST", body, headers: { authorization } }));
    for (const path of gets) expectNone(await errorOf(world, path, { headers: { authorization } }));
    const refused = await world.http("/api/sessions", { headers: { authorization } }, { refusal: "unauthorized" });
    expect(refused.status).toBe(401);
    expectNone(await refused.text());
    for (const path of ["/api/sessions/spawn", `/api/sessions/${id}`]) {
      const init = path.endsWith("spawn") ? { method: "POST", body: JSON.stringify({ task: prompt }) } : {};
      const broken = await world.broken(path, init);
      expect(broken.status).toBe(500);
      expectNone(await broken.text());
    }
  });
});

async function errorOf(world: TestWorld, path: string, init: RequestInit): Promise<string> {
  const response = await world.http(path, init);
  const text = await response.text();
  return response.status >= 400 ? text : text.includes('"status":"rejected"') ? text : "";
}
