import fc from "fast-check";
import { splitLines } from "../../functions/clients/lines.ts";
import { parseBatch, parseBatchPage } from "../../functions/domain/batch.ts";
import { parseTerms } from "../../functions/domain/billing-terms.ts";
import { dueBetween, parseConfig, parseEvery } from "../../functions/domain/config/index.ts";
import { classifyCreateRefusal } from "../../functions/domain/create-outcome.ts";
import { parseFollowUpBody } from "../../functions/domain/follow-up-request.ts";
import { parseCustomId } from "../../functions/domain/ids.ts";
import {
  contentOf,
  errorOutcome,
  parseMessage,
  parseResultLine,
  rawContentOf,
} from "../../functions/domain/outcome.ts";
import { principalFrom } from "../../functions/domain/principal.ts";
import { parseQueueMessage } from "../../functions/domain/queue-message.ts";
import { parseRollup } from "../../functions/domain/rollup.ts";
import { parseSpawnBody, parseSpawnDetail } from "../../functions/domain/spawn-request.ts";
import { readTimeline } from "../../functions/domain/timeline.ts";
import { parseTurnRequest } from "../../functions/domain/turn-request.ts";
import { parseUsage } from "../../functions/domain/usage.ts";
import { readCursor, readLimit, readTime } from "../../functions/sessions/list.ts";
import { readMembersCursor } from "../../functions/sessions/members.ts";
import { readTasks } from "../../functions/spawn/bulk.ts";
import { bodyStore } from "../../functions/store/bodies.ts";
import { toManifest } from "../../functions/store/manifest-items.ts";
import { parseSession } from "../../functions/store/session-items.ts";
import { readArguments } from "../../infra/export/arguments.ts";
import { parseSettings } from "../../infra/settings.ts";
import { memoryObjects } from "../support/memory-services.ts";
import { ownerVerdict } from "../support/rooms.ts";
import { virtualClock } from "../support/virtual-clock.ts";
import { deep, json, nearly, nearlyText, text, written } from "./arbitraries.ts";
import { parsed } from "./run-one.ts";

export interface Target {
  name: string;
  property(): fc.IRawProperty<unknown>;
}

/** One parser: whatever it is given, it answers or refuses in words of ours, and what it took it takes again. */
function target<T>(name: string, inputs: fc.Arbitrary<T>, parse: (input: T) => unknown): Target {
  return {
    name,
    property: () => fc.asyncProperty(inputs, async (input) => void (await parsed(name, () => parse(input)))),
  };
}

const task = {
  task: "Write.",
  agentId: "worker",
  model: "claude-haiku-5-5",
  label: "nightly",
  lane: "bulk",
  routing: "batch",
  onDeadline: "fallback",
  timeoutSeconds: 600,
  cacheRetention: "auto",
  metadata: { job: 7, list: [1, { deep: true }] },
};
const config = {
  agents: {
    defaults: { model: "claude-haiku-5-5", maxTokens: 100, params: { temperature: 0.5 } },
    list: [
      {
        id: "worker",
        system: [{ type: "text", text: "Be brief." }],
        tools: [],
        betas: ["a-1"],
        budget: { usdPerDay: 1 },
      },
      { id: "live", routing: "realtime", delivery: "digest", thinking: { type: "enabled", budget_tokens: 1024 } },
    ],
  },
  cron: {
    jobs: [
      {
        id: "nightly",
        agentId: "worker",
        schedule: { kind: "cron", expr: "15 2 * * 1-5", tz: "Europe/Berlin" },
        payload: { kind: "agentTurn", message: "Report." },
      },
      {
        id: "often",
        agentId: "live",
        schedule: { kind: "every", expr: "15m" },
        payload: { kind: "agentTurn", message: "Now." },
      },
    ],
  },
  lanes: [{ id: "bulk", hours: "22:00-06:00", tz: "Europe/Berlin", maxBatchRequests: 10, priming: "auto" }],
  realtime: { maxConcurrency: 3 },
  retentionDays: 35,
  pricing: { models: [{ id: "claude-next", usdPerMTok: { input: 3, output: 15 } }], webSearchUsd: 0.01 },
};
const usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_read_input_tokens: 3,
  cache_creation_input_tokens: 2,
  cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 1 },
  server_tool_use: { web_search_requests: 1 },
  service_tier: "batch",
};
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-haiku-5-5",
  content: [{ type: "text", text: "Done." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage,
};
const customId = "01000000000000000000000001_1_01000000000000000000000002";
const line = { custom_id: customId, result: { type: "succeeded", message } };
const errored = {
  custom_id: customId,
  result: {
    type: "errored",
    error: { type: "error", error: { type: "invalid_request_error", message: "Your credit balance is too low" } },
  },
};
const batch = {
  id: "msgbatch_1",
  type: "message_batch",
  processing_status: "ended",
  request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
  created_at: "2026-11-22T03:00:00Z",
  ended_at: "2026-11-22T03:10:00Z",
  expires_at: "2026-11-23T03:00:00Z",
  archived_at: null,
  cancel_initiated_at: null,
  results_url: "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results",
};
const session = {
  sessionId: "01000000000000000000000001",
  sessionKey: "agent:worker:dashboard:01000000000000000000000001",
  agentId: "worker",
  client: "owner",
  model: "claude-haiku-5-5",
  mode: "batch",
  lane: "default",
  why: "batch, by default",
  zeroDataRetention: false,
  onDeadline: "wait",
  status: "queued",
  turn: 1,
  attempt: 1,
  sendNo: 1,
  createdAt: 1_795_316_400_000,
  notBefore: 0,
  budget: { day: "2026-11-22", of: ["agent:worker"] },
  timeline: ["1795316400000|queued|1.1|accepted"],
  v: 1,
};
const manifest = {
  pk: "MANIFEST#1",
  sk: "HEAD",
  v: 1,
  manifestId: "01000000000000000000000002",
  lane: "default",
  state: "submitted",
  createdAt: 1,
  count: 1,
  bytes: 1,
  pages: 1,
  betas: [],
  credential: {},
  readFailures: 0,
  results: { succeeded: 1, errored: 0, canceled: 0, expired: 0 },
};
const request = {
  params: { model: "claude-haiku-5-5", max_tokens: 10 },
  betas: [],
  cacheRetention: "none",
  message: "Write.",
  previous: { turn: 1, status: "done", source: "01000000000000000000000002" },
  at: 1,
};
const queueMessage = { sessionId: session.sessionId, turn: 1, attempt: 1, sendNo: 1 };

/** What was taken is taken again, word for word: a repeat, or a second reader, must not come to another answer. */
function sameAgain<T extends { ok: boolean; value?: unknown }>(parse: (input: unknown) => T) {
  return (input: unknown) => {
    const first = parse(input);
    if (!first.ok) return first;
    const again = parse(JSON.parse(written(input)));
    if (written(again) !== written(first)) throw new Error(`parsed twice: ${written(first)} and ${written(again)}`);
    return first;
  };
}

const bodies = bodyStore(memoryObjects(), virtualClock());
const apiError = fc.record({ type: text, message: text }, { requiredKeys: [] });
const somewhere = fc.constantFrom("", "/tmp/system.txt");
const fromText = (sound: unknown) =>
  fc.oneof({ weight: 3, arbitrary: nearly(sound).map(written) }, nearlyText(written(sound)), deep);

export const parsers: readonly Target[] = [
  target("parseConfig", fromText(config), (one) => {
    const read = parseConfig(one, (path) => (path === "" ? undefined : "system"));
    if (!read.ok) return read;
    // A schedule that was accepted can be asked when it is due.
    const now = new Date("2026-11-22T03:00:00Z");
    return read.config.jobs.map(({ schedule }) => dueBetween(schedule, new Date(now.getTime() - 3_600_000), now));
  }),
  target("parseSpawnBody", nearly(task), sameAgain(parseSpawnBody)),
  target("parseSpawnDetail", nearly({ ...task, idempotencyKey: "key-1" }), sameAgain(parseSpawnDetail)),
  target("parseFollowUpBody", nearly({ message: "More.", routing: "realtime" }), sameAgain(parseFollowUpBody)),
  target(
    "readTasks",
    fc.oneof(
      fromText([task, task]),
      fc.array(fromText(task)).map((some) => some.join("\n")),
    ),
    readTasks,
  ),
  target("parseQueueMessage", fromText(queueMessage), parseQueueMessage),
  target("parseResultLine", fc.oneof(fromText(line), fromText(errored)), parseResultLine),
  target("parseMessage", fromText(message), parseMessage),
  target("contentOf", fc.oneof(fromText(line), fromText(message)), (one) => [contentOf(one), rawContentOf(one)]),
  target("errorOutcome", apiError, errorOutcome),
  target("classifyCreateRefusal", fc.tuple(fc.integer(), apiError, fc.nat()), ([status, error, bytes]) =>
    classifyCreateRefusal({ status, error }, bytes),
  ),
  target("parseBatch", nearly(batch), parseBatch),
  target(
    "parseBatchPage",
    nearly({ data: [batch, batch], has_more: true, first_id: "a", last_id: "b" }),
    parseBatchPage,
  ),
  target("parseUsage", nearly(usage), (one) => [parseUsage(one), parseTerms(one)]),
  target("parseCustomId", nearlyText(customId), parseCustomId),
  target("principalFrom", nearly(ownerVerdict), principalFrom),
  target("parseSession", nearly(session), (one) => parseSession(one, "META")),
  target("toManifest", nearly(manifest), (one) => toManifest(one as typeof manifest)),
  target("parseTurnRequest", fc.tuple(fromText(request), fc.integer({ min: 1, max: 9_999 })), ([one, turn]) =>
    parseTurnRequest(one, turn),
  ),
  target("unpack", nearly({ kind: "text", text: "x" }), (one) => bodies.unpack(one)),
  target("unpack gzip", fc.uint8Array(), (bytes) => bodies.unpack({ kind: "gzip", bytes })),
  target("parseRollup", fromText({ all: {}, by: { agent: { worker: {} } } }), parseRollup),
  target("readTimeline", fc.array(nearlyText("1795316400000|queued|1.1|accepted")), readTimeline),
  target(
    "readCursor",
    fc.oneof(
      text,
      nearlyText("2026-11-22T03:00:00.000Z#01000000000000000000000001").map((one) =>
        Buffer.from(one).toString("base64url"),
      ),
    ),
    readCursor,
  ),
  target("readMembersCursor", nearlyText("1.1", "12.345"), readMembersCursor),
  target("readLimit", nearlyText("50", "1e2", "0x10"), readLimit),
  target("readTime", nearlyText("2026-11-22", "2026-11-22T03:00:00.001Z"), (one) =>
    new Date(readTime(one, "from")).toISOString(),
  ),
  target("parseEvery", nearlyText("15m", "1h", "366d"), parseEvery),
  target("splitLines", fc.array(fc.uint8Array({ maxLength: 40 })), async (parts) => {
    const lines: string[] = [];
    for await (const one of splitLines(ReadableStream.from(parts), new AbortController())) lines.push(one);
    return lines;
  }),
  target("parseSettings", fc.dictionary(fc.constantFrom("stage", "alarmEmail", "withoutIndex"), json), (one) =>
    parseSettings((name) => one[name]),
  ),
  target(
    "readArguments",
    fc.tuple(fc.array(fc.oneof(text, fc.constantFrom("--from", "--to", "--out", "--agent", "2026-11-22"))), somewhere),
    ([args, url]) => readArguments(args, { OFFPEAK_URL: url, OFFPEAK_TOKEN: "t" }, new Date(0)),
  ),
];
