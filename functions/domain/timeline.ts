import { maxTime } from "./clock.ts";
import { maxTimelineCharacters, timelineFirst, timelineLast } from "./limits.ts";
import { type MoveName, type Session, type Status, statuses } from "./session.ts";

/** What happened to a session, and why: kept on its small item, so each entry is a short text. */
export interface TimelineEntry {
  at: number;
  status: Status;
  turn: number;
  attempt: number;
  why: string;
}

const howItEnded = ({ error, stopReason }: Session) => error?.type ?? stopReason;

/** What a move says of itself, where whoever makes it does not say more. */
const reasons: { readonly [name in MoveName]?: (next: Session) => string | undefined } = {
  claim: ({ manifestId }) => `in manifest ${manifestId}`,
  start: () => "real-time call",
  fallBack: () => "real-time call, since its deadline is near",
  finish: howItEnded,
  leaveBatch: (next) => (next.status === "queued" ? "out of its manifest" : howItEnded(next)),
  leaveRun: (next) =>
    next.status === "queued"
      ? "to be called again"
      : next.status === "submitted"
        ? "back to its manifest"
        : howItEnded(next),
  failQueued: howItEnded,
  split: ({ manifestId }) => `in manifest ${manifestId}, half of the one before`,
  goRealtime: ({ why }) => why,
  nextTurn: () => "the model paused",
  timeOut: howItEnded,
  cancel: () => "asked for",
  followUp: () => "a follow-up",
};

/** A move that only sends or looks again is none that is told. */
export function isTold(seen: Session, next: Session): boolean {
  const told = ["status", "turn", "attempt", "mode", "manifestId"] as const;
  return told.some((attribute) => seen[attribute] !== next[attribute]);
}

/** The timeline with one entry more: how it began and how it went on of late, since an item is charged by its size. */
export function withMove(
  name: MoveName,
  next: Session,
  { at, because }: { at: number; because: string | undefined },
): string[] {
  const why = (because ?? reasons[name]?.(next) ?? name).slice(0, maxTimelineCharacters);
  const told = [...(next.timeline ?? []), `${at}|${next.status}|${next.turn}.${next.attempt}|${why}`];
  return told.length <= timelineFirst + timelineLast
    ? told
    : [...told.slice(0, timelineFirst), ...told.slice(-timelineLast)];
}

/** The entries that can be read: one that cannot must not hide the others. */
export function readTimeline(entries: readonly string[]): TimelineEntry[] {
  return entries.flatMap((text) => {
    const [, at, word, turn, attempt, why = ""] = /^(\d+)\|([a-z]+)\|(\d+)\.(\d+)\|(.*)$/s.exec(text) ?? [];
    const status = statuses.find((one) => one === word);
    return status === undefined || Number(at) > maxTime
      ? []
      : [{ at: Number(at), status, turn: Number(turn), attempt: Number(attempt), why }];
  });
}
