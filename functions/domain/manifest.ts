import { isTerminal, type Session } from "./session.ts";

/**
 * A manifest is our own record of one Message Batch, written before the batch exists, so that a crash at any point
 * leaves somebody to ask. Times are milliseconds since the epoch.
 */
export const manifestStates = ["preparing", "submitting", "submitted", "settled", "abandoned", "closed"] as const;
export type ManifestState = (typeof manifestStates)[number];

export interface Manifest {
  manifestId: string;
  lane: string;
  state: ManifestState;
  createdAt: number;
  /** Planned while `preparing`; from `submitting` on, the number of claimed members. */
  count: number;
  /** Bytes of the create body. */
  bytes: number;
  pages: number;
  betas: string[];
  /** What its lane was configured with: its batch can only be seen with the same credential. */
  credential: { apiKeySecret?: string; workspaceId?: string };
  /** The workspace that answered the create call. */
  workspaceId?: string;
  /** No create call begins or runs after this. Undefined while `preparing`. */
  notAfter?: number;
  batchId?: string;
  /** The call has returned, whatever its outcome: the batcher lived through it. */
  callEnded?: boolean;
  /** Why it was abandoned. */
  reason?: string;
  /** Its batcher died over it, so that each of its members is suspect. */
  died?: boolean;
  /** Its one session went ahead for others with the same prefix, who wait for its end. */
  primes?: boolean;
  /** The manifest this one is half of. */
  parent?: string;
  /** When its batch was first seen ended, and how often its results have been read without success since. */
  endedAt?: number;
  readFailures: number;
  readAgainAt?: number;
  readProblem?: string;
  /** Released work is not to be sent before this time. */
  releaseNotBefore?: number;
  /** Reconcile: when the first of two complete lists showed no batch that could be this one. */
  missingSince?: number;
  settledAt?: number;
  /** When the first and the last of its members go, in seconds; and the next, once some had to be ended before. */
  firstExpiry?: number;
  lastExpiry?: number;
  nextExpiry?: number;
  /** What Anthropic says became of its requests, once they were read. */
  results?: { succeeded: number; errored: number; canceled: number; expired: number };
}

/** A member as its manifest's pages name it: insert-only, written before the create call. */
export interface Member {
  sessionId: string;
  turn: number;
}

/** Whether a member waits for this manifest still, ended its turn while in it, or has gone on elsewhere. */
export type Standing = "waiting" | "ended" | "left";

export function standingOf(session: Session, { turn }: Member, manifestId: string): Standing {
  if (session.turn !== turn) return "left";
  const { status, winner } = session;
  if (!isTerminal(status)) return session.manifestId === manifestId ? "waiting" : "left";
  // The winner says where an answer came from; an end without one was in the manifest it names still.
  return (winner ?? session.manifestId) === manifestId ? "ended" : "left";
}

/** Every move of a manifest, as `moves` in `session.ts` is for sessions. */
export const manifestMoves = {
  /** Members are claimed and written down; the create call may begin. */
  submit: { from: ["preparing"], to: "submitting" },
  /** The call is over with an unknown outcome: nothing more of it can happen. */
  bound: { from: ["submitting"], to: "submitting" },
  /** A batch names it: by the create response, or by a result line, however late. */
  accept: { from: ["submitting", "abandoned", "closed"], to: "submitted" },
  /** Its call never began: its members are let go, one by one. A call that has begun since is not given up with it. */
  giveUp: { from: ["preparing"], to: "abandoned" },
  /** Its call was certainly not accepted. */
  abandon: { from: ["submitting"], to: "abandoned" },
  /** Every member has been let go. */
  close: { from: ["abandoned"], to: "closed" },
  /** Something was learned about its batch. */
  note: { from: ["submitting", "submitted"], to: undefined },
  /** Every member is accounted for. */
  settle: { from: ["submitted"], to: "settled" },
} as const satisfies Record<string, { from: readonly ManifestState[]; to: ManifestState | undefined }>;
export type ManifestMove = keyof typeof manifestMoves;

/** Whether somebody still has to look at it each tick. */
export function isOpen(state: ManifestState): boolean {
  return state !== "settled" && state !== "closed";
}

/** Pauses between readings of a result file that came back short: the next tick, then 2, 4, 8… ticks. */
export function readAgainSeconds(failures: number, tickSeconds: number, mostSeconds: number): number {
  return Math.min(mostSeconds, tickSeconds * 2 ** Math.min(failures - 1, 20));
}
