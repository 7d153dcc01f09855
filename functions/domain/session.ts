import { dueShards, listShards, maxErrorCharacters } from "./limits.ts";
import { sentUntil } from "./retention.ts";

export const statuses = ["queued", "submitted", "running", "done", "failed", "canceled", "timeout"] as const;
export type Status = (typeof statuses)[number];

export const terminalStatuses = ["done", "failed", "canceled", "timeout"] as const;
export type TerminalStatus = (typeof terminalStatuses)[number];

export function isTerminal(status: Status): status is TerminalStatus {
  return terminalStatuses.some((terminal) => terminal === status);
}

export type Mode = "batch" | "realtime";
export type OnDeadline = "wait" | "fallback" | "fail";

export interface SessionError {
  type: string;
  message: string;
}

/**
 * The small fact about a session that moves (`META`). Times are milliseconds since the epoch. Everything large, and
 * everything that never changes after acceptance, is on insert-only items beside it.
 */
export interface Session {
  sessionId: string;
  sessionKey: string;
  agentId: string;
  /** Who spawned it; part of the derived id, so that rotating a token changes nothing. */
  client: string;
  label?: string;
  model: string;
  mode: Mode;
  lane: string;
  why: string;
  /** While it is real-time that was to be batched: the `why` of its own routing, to which its next turn goes back. */
  ownWhy?: string;
  zeroDataRetention: boolean;
  onDeadline: OnDeadline;
  status: Status;
  /** Counts from 1; a follow-up or a `pause_turn` raises it. */
  turn: number;
  /** Counts from 1 within a turn; a requeue after an error raises it, waiting does not. */
  attempt: number;
  /** Counts from 1 within an attempt; rescue raises it with every copy of the message it sends, and waits longer each time. */
  sendNo: number;
  /** Times it was handled as a suspect without being sent or ended, or was in a batch whose batcher died. */
  visits?: number;
  createdAt: number;
  /** When the user last spoke, where that was not at the creation: a deadline counts from there. */
  askedAt?: number;
  submittedAt?: number;
  endedAt?: number;
  deadlineAt?: number;
  /** Not to be sent before this time; 0 when it may go at once. */
  notBefore: number;
  /** The manifest it is in, while `submitted`, and while `running` as a fallback of it. */
  manifestId?: string;
  /** Set once a deadline made it go real-time: a fallback is tried once. */
  fellBack?: boolean;
  /** The latest real-time attempt: under way while `running`. */
  run?: string;
  /** When that attempt is over, whatever happened to it. */
  runEndsAt?: number;
  /** The source (manifest or real-time attempt) whose result this turn shows. */
  winner?: string;
  stopReason?: string;
  truncated?: boolean;
  error?: SessionError;
  /**
   * The page of the winner's results that ended this turn, where whoever reads them tells of it: then it was never due to be
   * delivered, and the fact of its delivery is that page's.
   */
  page?: number;
  /** Set once the event of the current turn is known to be on the bus, where the turn was due to be delivered. */
  delivered?: boolean;
  /** The purses it is paid from, where it has a budget, and the day whose room it takes. */
  budget?: { day: string; of: string[] };
  /** What is reserved there until its turn ends, in billionths of a dollar. */
  reserved?: number;
  /** Its moves, each as a short text; `timeline.ts` reads them. */
  timeline?: string[];
  /** When it goes, with all that is beside it, in seconds; `retention.ts`. Those of the first release have none, and stay. */
  expiresAt?: number;
}

export interface Move {
  from: readonly Status[];
  to: readonly Status[];
  /** Attributes that must still have the value the mover saw. A manifest and a real-time attempt are of one turn only. */
  same: readonly ("turn" | "sendNo" | "notBefore" | "mode" | "manifestId" | "run")[];
  /** Times that must have passed. */
  passed?: readonly "notBefore"[];
  /** What must not be noted yet, and what must. */
  absent?: readonly "delivered"[];
}

/**
 * Every move a session can make. The store builds each conditional write from its row, so a move that is not here cannot
 * be made; `functions/README.md` draws it.
 */
export const moves = {
  /**
   * Batcher: into a manifest, once its time has come. Whoever routes a session anew, or lets it go, raises its `sendNo`,
   * which never falls within a turn: so no claim that was begun before, or that arrives late, takes it back.
   */
  claim: { from: ["queued"], to: ["submitted"], same: ["turn", "sendNo"], passed: ["notBefore"] },
  /** Real-time worker: a session routed real-time. */
  start: { from: ["queued"], to: ["running"], same: ["mode"], passed: ["notBefore"] },
  /** Real-time worker: a deadline is near; the manifest is kept, its result may still win. */
  fallBack: { from: ["submitted"], to: ["running"], same: ["manifestId"] },
  /** A usable answer for the current turn wins from wherever it comes. */
  finish: { from: ["queued", "submitted", "running"], to: ["done", "failed"], same: ["turn"] },
  /** Out of a manifest without an answer: to be sent again, or ended by an error that counts only for this manifest. */
  leaveBatch: { from: ["submitted"], to: ["queued", "failed", "canceled"], same: ["manifestId"] },
  /** Out of a real-time attempt without an answer; a fallback goes back to its manifest, whose batch may yet answer. */
  leaveRun: { from: ["running"], to: ["queued", "submitted", "failed"], same: ["run"] },
  /** Work that never reached a manifest and never will: its request cannot be read, or it is poison. */
  failQueued: { from: ["queued"], to: ["failed"], same: ["turn"] },
  /** From one manifest into one of the two that replace it. */
  split: { from: ["submitted"], to: ["submitted"], same: ["manifestId"] },
  /**
   * The message is sent again, or the session is looked at later: never earlier than somebody else has put it off to. One that
   * arrives late does not lower `sendNo` again: a number that came back would let an old claim in.
   */
  resend: { from: ["queued"], to: ["queued"], same: ["sendNo", "notBefore"] },
  /** Out of the queue of its lane to the real-time one: a deadline of this turn is near, or its lane cannot batch. */
  goRealtime: { from: ["queued"], to: ["queued"], same: ["turn", "sendNo"] },
  /** `pause_turn`: the same task goes on in a new turn. */
  nextTurn: { from: ["queued", "submitted", "running"], to: ["queued"], same: ["turn"] },
  /** The deadline passed and the policy says so. */
  timeOut: { from: ["queued", "submitted", "running"], to: ["timeout"], same: ["turn"] },
  /** Whoever asked takes it back. What is under way may still answer, and is booked then. */
  cancel: { from: ["queued", "submitted", "running"], to: ["canceled"], same: ["turn"] },
  /** The user speaks again: a new turn, once the outside was told how the last one ended. */
  followUp: { from: terminalStatuses, to: ["queued"], same: ["turn"] },
} as const satisfies Record<string, Move>;
export type MoveName = keyof typeof moves;

/** What is noted on a session without a move: the status stays, what is named here must hold. */
export const notes = {
  /** A submitted or running session is looked at again later. */
  lookAgain: { from: ["submitted", "running"], same: [] },
  /** A look at it failed, and left it where it was: it is looked at again later. */
  stumble: { from: ["queued", "submitted", "running"], same: ["turn", "sendNo", "manifestId", "run"] },
  /** Batcher: a suspect is counted before it is touched. */
  visit: { from: ["queued"], same: ["turn"] },
  /** The event of this turn is on the bus. */
  delivered: { from: terminalStatuses, same: ["turn"] },
  /** The bus did not take it: it is put again later. */
  undelivered: { from: terminalStatuses, same: ["turn"], absent: ["delivered"] },
} as const satisfies Record<string, Note>;
export type Note = Omit<Move, "to">;
export type NoteName = keyof typeof notes;

export function canMove(from: Status, to: Status): boolean {
  const rows: readonly Move[] = Object.values(moves);
  return rows.some((move) => move.from.includes(from) && move.to.includes(to));
}

/** Who looks at a session next; `undefined` while its manifest does. The purpose names a partition of the due index. */
export interface NextLook {
  purpose: DuePurpose;
  at: number;
}
export const duePurposes = ["rescue", "deadline", "deliver"] as const;
export type DuePurpose = (typeof duePurposes)[number];

/**
 * A queued session is rescued at `rescueAt` unless a deadline, or the end of its time, comes first; a submitted one is its manifest's business
 * but for a deadline; a running one is over when its lease is; an ended one is due until it is delivered.
 */
export function nextLook(session: Session, rescueAt: number, leadMs: number): NextLook | undefined {
  if (isTerminal(session.status)) return session.delivered ? undefined : { purpose: "deliver", at: rescueAt };
  const deadline = deadlineActionAt(session, leadMs);
  const queued = Math.min(rescueAt, sentUntil(session) ?? rescueAt);
  const own = session.status === "queued" ? queued : session.status === "running" ? session.runEndsAt : undefined;
  if (deadline !== undefined && (own === undefined || deadline < own)) return { purpose: "deadline", at: deadline };
  return own === undefined ? undefined : { purpose: "rescue", at: own };
}

/** When the deadline policy must act: in time for a real-time answer, at the deadline, or never. */
export function deadlineActionAt(session: Session, leadMs: number): number | undefined {
  if (session.deadlineAt === undefined || session.onDeadline === "wait") return undefined;
  if (session.onDeadline === "fail") return session.deadlineAt;
  // What is real-time already has nothing to fall back to, and is not ended by a policy that promises an answer.
  if (session.mode === "realtime" || session.fellBack === true) return undefined;
  return session.deadlineAt - leadMs;
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** What the id of a real-time attempt begins with, and that of a manifest does not. */
export const runPrefix = "rt-";

/** The last character of an id is evenly spread, for ULIDs and derived ids alike. */
export function shardOf(sessionId: string, shards: number): number {
  return Math.max(0, crockford.indexOf(sessionId.at(-1) ?? "0")) % shards;
}

export function duePartition(purpose: DuePurpose, shard: number): string {
  return `${purpose}#${shard}`;
}

export function dueShardOf(sessionId: string): number {
  return shardOf(sessionId, dueShards);
}

export function listShardOf(sessionId: string): number {
  return shardOf(sessionId, listShards);
}

/** As much of an error as fits the small item, which is charged by its size at every move. */
export function shortened({ type, message }: SessionError): SessionError {
  return {
    type,
    message: message.length <= maxErrorCharacters ? message : `${message.slice(0, maxErrorCharacters - 1)}…`,
  };
}
