import type { Mode, Status } from "./session.ts";

/** What the due index shows of an unfinished session. It may be stale, and good enough to be counted. */
export interface DueEntry {
  lane: string;
  status: Status;
  mode: Mode;
  createdAt: number;
  /** When a follow-up was accepted. */
  askedAt?: number;
  notBefore: number;
}

/** The work of one lane that is in nobody's batch. */
export interface Backlog {
  /** For a batch; `waiting` of them may not be sent yet. */
  queued: number;
  waiting: number;
  /** When the oldest that is queued, for a batch or for real time, was accepted. */
  oldestQueuedAt?: number;
  realtimeQueued: number;
  realtimeRunning: number;
}

export const noBacklog: Backlog = { queued: 0, waiting: 0, realtimeQueued: 0, realtimeRunning: 0 };

/** @returns the work of a lane with one entry more */
export function withEntry(backlog: Backlog, entry: DueEntry, now: number): Backlog {
  const { status, mode, createdAt, askedAt = createdAt, notBefore } = entry;
  if (status === "running") return { ...backlog, realtimeRunning: backlog.realtimeRunning + 1 };
  if (status !== "queued") return backlog;
  const oldestQueuedAt = Math.min(backlog.oldestQueuedAt ?? askedAt, askedAt);
  if (mode === "realtime") return { ...backlog, realtimeQueued: backlog.realtimeQueued + 1, oldestQueuedAt };
  const waiting = backlog.waiting + (notBefore > now ? 1 : 0);
  return { ...backlog, queued: backlog.queued + 1, waiting, oldestQueuedAt };
}
