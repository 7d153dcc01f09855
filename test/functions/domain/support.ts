import type { Batch } from "../../../functions/domain/batch.ts";
import { type Agent, builtInLanes, type Lane } from "../../../functions/domain/config/index.ts";
import type { Manifest } from "../../../functions/domain/manifest.ts";
import type { Session } from "../../../functions/domain/session.ts";
import { noUsage, type Usage } from "../../../functions/domain/usage.ts";

export const minuteMs = 60_000;
/** Noon of a winter's day, in UTC. */
export const noon = Date.parse("2026-11-21T12:00:00Z");

export const sessionId = "01KAJ8Z3M4N5P6Q7R8S9T0V1W2";
export const manifestId = "01KAJ900000000000000000000";

/** A batch session as spawn writes it, but for what a test says of it. */
export function aSession(differently: Partial<Session> = {}): Session {
  return {
    sessionId,
    sessionKey: `agent:worker:dashboard:${sessionId.toLowerCase()}`,
    agentId: "worker",
    client: "default",
    model: "claude-haiku-4-5",
    mode: "batch",
    lane: "default",
    why: "batch, set by the agent",
    zeroDataRetention: false,
    onDeadline: "wait",
    status: "queued",
    turn: 1,
    attempt: 1,
    sendNo: 1,
    createdAt: noon,
    notBefore: 0,
    ...differently,
  };
}

export function anAgent(differently: Partial<Agent> = {}): Agent {
  return {
    id: "worker",
    model: "claude-haiku-4-5",
    maxTokens: 1_024,
    routing: { mode: "batch", from: "defaults" },
    cacheRetention: "none",
    zeroDataRetention: false,
    delivery: "each",
    lane: { id: "default", from: "default" },
    params: {},
    betas: [],
    ...differently,
  };
}

export function aLane(differently: Partial<Lane> = {}): Lane {
  return { ...builtInLanes[0]!, ...differently };
}

export function aManifest(differently: Partial<Manifest> = {}): Manifest {
  return {
    manifestId,
    lane: "default",
    state: "submitting",
    createdAt: noon,
    count: 3,
    bytes: 3_000,
    pages: 1,
    credential: {},
    betas: [],
    notAfter: noon + minuteMs,
    readFailures: 0,
    ...differently,
  };
}

export function aBatch(differently: Partial<Batch> = {}): Batch {
  return {
    batchId: "msgbatch_1",
    status: "in_progress",
    total: 3,
    counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    createdAt: noon,
    ...differently,
  };
}

export function aUsage(differently: Partial<Usage> = {}): Usage {
  return { ...noUsage, ...differently };
}
