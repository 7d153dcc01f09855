import type { Queues } from "../clients/sqs.ts";
import type { NewId } from "../domain/clock.ts";
import type { Agent, CacheSetting, Config, CronJob } from "../domain/config/index.ts";
import { checkSameBody, RequestError } from "../domain/errors.ts";
import { cronKey, dashboardKey, derivedId } from "../domain/ids.ts";
import { opensAt } from "../domain/lane-hours.ts";
import { type AgentSet, checkAgent } from "../domain/principal.ts";
import { expiryOf } from "../domain/retention.ts";
import { resolveRouting } from "../domain/routing.ts";
import type { Session } from "../domain/session.ts";
import type { SpawnRequest } from "../domain/spawn-request.ts";
import { type FrozenCache, firstTurn, type TurnRequest } from "../domain/turn-request.ts";
import type { Packed } from "../store/bodies.ts";
import type { CacheRuns } from "../store/cache-runs.ts";
import type { RequestEntry, Turns } from "../store/turns.ts";
import { chooseCache } from "../turns/cache-choice.ts";
import { insertReserved, type ReserveDeps } from "../turns/reserve.ts";
import { findRoom } from "../turns/room.ts";
import { sendOrLeaveToRescue } from "../turns/send.ts";

export interface SpawnInput {
  request: SpawnRequest;
  /** Who asks; with the idempotency key, it makes the session's id. */
  client: string;
  /** Those that they may spawn for. */
  agents: AgentSet;
  idempotencyKey?: string;
  /** SHA-256 of what was sent: the same key with another one is a conflict. */
  hash: string;
  job?: CronJob;
}

export interface SpawnDeps extends ReserveDeps {
  turns: Turns;
  cacheRuns: CacheRuns;
  queues: Queues;
  newId: NewId;
}

/** A session as it was accepted, and whether its message is still to be sent. */
export interface Accepted {
  session: Session;
  isToSend: boolean;
}

/**
 * Accepts a task: request, session, queue, in this order, each written once. A crash in between is finished by the same
 * call repeated, or, once the session exists, by rescue.
 * @returns the session as it was accepted
 * @throws RequestError 400 with the field, 403 for an agent that is not theirs, 402 where a budget has no room, 409 for a key that was used with another body
 */
export async function spawn(input: SpawnInput, deps: SpawnDeps): Promise<Session> {
  const { session, isToSend } = await place(await prepare(input, deps), deps);
  if (isToSend) await sendOrLeaveToRescue([session], deps.queues, deps.log);
  return session;
}

/** A task as it is to be accepted: its session, its request, and what is to be written down of it, if it is new. */
export interface Prepared {
  accepted: Session;
  request: TurnRequest;
  entry?: RequestEntry;
}

/** All that can refuse a task, before anything is written. What is refused leaves nothing behind, so that its key may be used again. */
export async function prepare(input: SpawnInput, deps: SpawnDeps): Promise<Prepared> {
  const earlier = await acceptedBefore(input, deps);
  if (earlier !== undefined) {
    checkAgent(input.agents, earlier.session.agentId);
    return { accepted: earlier.session, request: earlier.request };
  }
  const agent = findAgent(input, deps.config);
  const accepted = acceptedSession(input, agent, deps);
  const { task, metadata } = input.request;
  const setting = input.request.cacheRetention ?? input.job?.cacheRetention ?? agent.cacheRetention;
  const request = firstTurn(agent, {
    task,
    model: accepted.model,
    at: accepted.createdAt,
    cache: await frozenCache(setting, agent, accepted, deps),
    ...(metadata === undefined ? {} : { metadata }),
  });
  await findRoom(accepted, [request], deps);
  const { sessionId } = accepted;
  const entry = { sessionId, turn: 1, hash: input.hash, request, acceptance: accepted, expiresAt: accepted.expiresAt };
  return { accepted, request, entry };
}

/**
 * Request and session, but not the message, so that whoever accepts many can send ten messages a call.
 * @param body the request as it is to be kept, where it was packed together with others
 */
export async function place({ accepted, request, entry }: Prepared, deps: SpawnDeps, body?: Packed): Promise<Accepted> {
  if (entry === undefined) return insertOnce(accepted, request, deps);
  const written = await deps.turns.insertRequest(body === undefined ? entry : { ...entry, body });
  if (!written.inserted) checkSameBody(written.hash, entry.hash);
  // Of two calls at once with one key, both go on with what the first one wrote.
  return insertOnce(written.inserted ? accepted : (written.acceptance ?? accepted), request, deps);
}

/** A later arrival may make `auto` choose otherwise, for the requests that come after it. */
async function frozenCache(
  setting: CacheSetting,
  agent: Agent,
  session: Session,
  deps: SpawnDeps,
): Promise<FrozenCache> {
  if (setting !== "auto") return { retention: setting, isAuto: false };
  const { retention } = await chooseCache(agent, session, deps);
  return { retention, isAuto: true };
}

/** A repeat finds what was accepted, even if the configuration has changed since. */
async function acceptedBefore(
  { client, idempotencyKey, hash }: SpawnInput,
  { turns }: SpawnDeps,
): Promise<{ session: Session; request: TurnRequest } | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const earlier = await turns.getRequest(derivedId(client, idempotencyKey), 1);
  if (earlier !== undefined) checkSameBody(earlier.hash, hash);
  return earlier?.acceptance === undefined ? undefined : { session: earlier.acceptance, request: earlier.request };
}

async function insertOnce(accepted: Session, request: TurnRequest, deps: SpawnDeps): Promise<Accepted> {
  const { sessionId, agentId, mode, lane } = accepted;
  const { moved, session: inserted } = await insertReserved(accepted, request, deps);
  // A repeat is told what was accepted, whatever became of it since; but when it is to be sent, a budget decides.
  const session = moved ? inserted : accepted;
  deps.log(moved ? "session_accepted" : "session_repeated", { sessionId, agentId, mode, lane });
  // What may not be sent yet is sent by rescue, when it may.
  return { session, isToSend: moved && session.notBefore === 0 };
}

/** Asked first whether they may: nobody learns which agents there are besides their own. */
function findAgent({ request, agents }: SpawnInput, config: Config): Agent {
  const agentId = request.agentId ?? config.agents[0]?.id ?? "";
  checkAgent(agents, agentId);
  const agent = config.agents.find(({ id }) => id === agentId);
  if (agent !== undefined) return agent;
  const known = config.agents.map(({ id }) => id).join(", ");
  throw new RequestError(400, `unknown agent (known: ${known})`, { param: "agentId" });
}

function acceptedSession(input: SpawnInput, agent: Agent, { config, clock, newId }: SpawnDeps): Session {
  const { request, client, idempotencyKey, job } = input;
  const routing = resolveRouting(request, job, agent, config.lanes);
  const lane = config.lanes.find(({ id }) => id === routing.lane);
  const sessionId = idempotencyKey === undefined ? newId() : derivedId(client, idempotencyKey);
  const createdAt = clock.now();
  const timeoutSeconds = request.timeoutSeconds ?? lane?.deadlineSeconds ?? 0;
  return {
    sessionId,
    sessionKey: job === undefined ? dashboardKey(agent.id, sessionId) : cronKey(agent.id, job.id, sessionId),
    agentId: agent.id,
    client,
    ...(request.label === undefined ? {} : { label: request.label }),
    model: request.model ?? agent.model,
    ...routing,
    status: "queued",
    turn: 1,
    attempt: 1,
    sendNo: 1,
    createdAt,
    ...(timeoutSeconds > 0 ? { deadlineAt: createdAt + timeoutSeconds * 1000 } : {}),
    notBefore: routing.mode === "batch" && lane !== undefined ? opensAt(lane, createdAt) : 0,
    expiresAt: expiryOf(createdAt, config.retentionDays),
  };
}
