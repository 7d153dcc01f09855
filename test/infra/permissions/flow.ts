import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Deployment, deploy } from "./deployment.ts";

export const lanes = ["default", "bulk", "night", "either"] as const;
const token = "a-token-for-the-tests";
/** Hardly compresses: with it a request is too large for an item. */
const archive = randomBytes(420_000).toString("base64");

/** Something of everything that makes a room call out. */
export const files = {
  "offpeak.json": JSON.stringify({
    agents: {
      list: [
        { id: "worker" },
        { id: "live", routing: "realtime" },
        { id: "archivist", systemFile: "prompts/archive.txt" },
        { id: "thrifty", maxTokens: 1_000, budget: { usdPerDay: 1, onExceeded: "hold" } },
        { id: "watch", system: "Watch the night, and write what was seen. ".repeat(160), cacheRetention: "auto" },
        { id: "digest", delivery: "digest" },
      ],
    },
    lanes: [
      { id: "bulk", flushEverySeconds: 1 },
      { id: "night", apiKeySecret: "night-key" },
      { id: "either", onBatchUnavailable: "realtime" },
    ],
    cron: {
      jobs: [
        {
          id: "nightly",
          agentId: "worker",
          schedule: { kind: "cron", expr: "0 2 * * *", tz: "Europe/Berlin" },
          payload: { kind: "agentTurn", message: "Report." },
        },
      ],
    },
  }),
  "prompts/archive.txt": archive,
};

const deployed = {
  files,
  lanes,
  secrets: { "api-key": "sk-ant-test", "night-key": "sk-ant-night", token },
  token,
};

/** A day of the system in half a minute: every way in, every way a turn ends, and what is asked of it meanwhile. */
export async function runEverything(): Promise<Deployment> {
  const system = await deploy(deployed);
  const minute = async () => {
    await Promise.all(lanes.map((lane) => system.invoke("batcher", { lane })));
    await system.invoke("poller", undefined);
    await pause(50);
  };
  const spawn = async (body: object, key?: string): Promise<string> => {
    const answer = await system.http("/api/sessions/spawn", { body, ...(key === undefined ? {} : { key }) });
    if (answer.status !== 202) throw new Error(`spawn: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.sessionId;
  };
  const ended = async (ids: readonly string[]) => {
    let left = [...ids];
    for (let round = 0; left.length > 0; round += 1) {
      if (round === 400) throw new Error(`not ended: ${left.join()}`);
      await minute();
      const seen = await Promise.all(left.map(async (id) => (await system.http(`/api/sessions/${id}`)).body));
      left = left.filter((_, index) => seen[index].delivery?.status !== "delivered");
    }
  };
  try {
    await acceptEverything();
    await askEverything();
    await missEverything();
    return system;
  } catch (error) {
    await system.stop();
    throw error;
  }

  /** Every way in, and the turns that follow. */
  async function acceptEverything() {
    await system.http("/api/sessions", { token: "not-the-token-of-anybody" });
    const time = new Date().toISOString();
    await system.invoke("spawn", { cronJob: "nightly", time });
    await system.invoke("spawn", {
      "detail-type": "offpeak.spawn",
      source: "test",
      id: "1",
      detail: { task: "From the bus.", agentId: "worker", label: "all" },
    });
    const tasks = [1, 2, 3].map((task) => ({ task: `Watch ${task}.`, agentId: "watch", label: "all" }));
    for (const _ of ["first", "again"]) {
      const answer = await system.http("/api/sessions/spawn/bulk", { body: tasks, key: "bulk" });
      if (answer.body.accepted !== tasks.length) throw new Error(`bulk: ${JSON.stringify(answer.body)}`);
    }
    const ids = [
      ...(await Promise.all(
        lanes.map((lane) => spawn({ task: `In ${lane}.`, agentId: "worker", label: "all", lane })),
      )),
      await spawn({ task: "Soon.", agentId: "live", lane: "night" }),
      await spawn({ task: "[[stand-in: answer_bytes 900000]] Soon, and long.", agentId: "live" }),
      await spawn({ task: "Cheap.", agentId: "thrifty", routing: "realtime" }),
      await spawn({ task: "Cheap.", agentId: "thrifty" }),
      await spawn({ task: "From the archive.", agentId: "archivist" }, "archive"),
      await spawn({ task: "From the archive, soon.", agentId: "archivist", routing: "realtime" }),
      await spawn({ task: "[[stand-in: pause_turn 1]] Search.", agentId: "archivist" }),
      await spawn({ task: "[[stand-in: pause_turn 1]] Search, soon.", agentId: "live" }),
      await spawn({ task: "[[stand-in: answer_bytes 900000]] Long.", agentId: "worker" }),
      await spawn({ task: "[[stand-in: errored api_error times 1]] Again.", agentId: "worker" }),
      await spawn({ task: "For the digest.", agentId: "digest" }),
    ];
    await spawn({ task: "From the archive.", agentId: "archivist" }, "archive");
    await ended(ids);
    for (const [index, id] of ids.entries()) {
      const path = `/api/sessions/${id}/messages`;
      const answer = await system.http(path, { body: { message: "And then?" }, key: `follow ${index}` });
      if (answer.status !== 202) throw new Error(`follow-up: ${JSON.stringify(answer.body)}`);
    }
    await ended(ids);
  }

  /** Every question, and what takes a task back. */
  async function askEverything() {
    const slow = await spawn({ task: "[[stand-in: slow 600]] Wait.", agentId: "thrifty", label: "taken back" });
    const queued = await spawn({ task: "Wait.", agentId: "thrifty", label: "taken back" });
    await system.http(`/api/sessions/${queued}/cancel`, { body: {} });
    await minute();
    await system.http(`/api/sessions/${slow}/cancel`, { body: {} });
    await spawn({ task: "Wait.", agentId: "worker", label: "taken back" });
    await system.http("/api/sessions/cancel", { body: { label: "taken back" } });
    await system.http("/api/sessions/cancel", { body: { agentId: "digest" } });
    await ended([slow, queued]);
    const { body: listed } = await system.http("/api/sessions?label=all&limit=2");
    const { body: batches } = await system.http("/api/batches");
    const asked = { name: "ci", scopes: ["read"], agents: ["worker"] };
    const { body: made } = await system.http("/api/tokens", { body: asked });
    const { status: seen } = await system.http("/api/sessions", { token: made.token });
    const { status: revoked } = await system.http(`/api/tokens/${made.id}`, { method: "DELETE" });
    if (seen !== 200 || revoked !== 200) throw new Error(`a token: ${seen} ${revoked}`);
    const questions = [
      "/api/sessions",
      "/api/tokens",
      "/api/sessions?agentId=worker&status=done",
      ...listed.sessions.map(({ sessionId }: { sessionId: string }) => `/api/sessions/${sessionId}/history`),
      `/api/batches/${batches.batches[0].manifestId}`,
      "/api/lanes",
      "/api/usage",
      "/api/budgets",
      "/api/agents",
      "/api/advice",
    ];
    for (const path of questions) {
      const { status, body } = await system.http(path);
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    }
  }

  /** Refusals, lost answers, deadlines, and messages that nobody takes. */
  async function missEverything() {
    await system.fault({ kind: "lost_response", on: "create", times: 1 });
    const unknown = await spawn({ task: "Whose answer is lost.", agentId: "thrifty" });
    await ended([unknown]);
    await system.fault({ kind: "unauthorized", on: "create", times: 2 });
    const parked = await spawn({ task: "While the key is refused.", agentId: "worker" });
    await ended([parked]);
    await system.fault({ kind: "not_found", on: "create" });
    const rerouted: string[] = [];
    for (const task of [1, 2, 3, 4]) {
      rerouted.push(await spawn({ task: `${task}, as it may.`, agentId: "worker", lane: "either" }));
      await minute();
    }
    await ended(rerouted);
    await system.heal();
    const inTime = { task: "[[stand-in: slow 600]] In time.", agentId: "worker", timeoutSeconds: 1 };
    const late = await spawn({ ...inTime, onDeadline: "fail" });
    const dear = await spawn({ ...inTime, agentId: "thrifty", onDeadline: "fail" });
    const fallback = await spawn({ task: "In time.", timeoutSeconds: 30, onDeadline: "fallback" });
    await system.invoke("poller", undefined);
    await ended([late, dear, fallback]);
    const unsent = await Promise.all(lanes.map((lane) => spawn({ task: "Rescued.", agentId: "worker", lane })));
    // Nobody drains the lanes until rescue looks, which it does after five seconds at the earliest.
    await pause(5_200);
    await system.invoke("poller", undefined);
    await ended(unsent);
  }
}
