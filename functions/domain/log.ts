/** Everything the functions ever log: one JSON line an event, ids as fields, never a prompt, a body, a header or a key. */
export const logCodes = [
  "session_accepted",
  "session_repeated",
  "queue_send_failed",
  "spawn_event_rejected",
  "budget_exceeded",
  "login_failed",
  "token_created",
  "token_revoked",
  "request_failed",
  "lane_busy",
  "lane_parked",
  "lane_probed",
  "lane_resumed",
  "batches_unavailable",
  "primer_sent",
  "message_rejected",
  "message_dropped",
  "session_rescued",
  "session_failed",
  "session_requeued",
  "session_canceled",
  "manifest_submitted",
  "manifest_refused",
  "manifest_split",
  "manifest_unknown",
  "manifest_adopted",
  "manifest_abandoned",
  "manifest_settled",
  "manifest_waiting",
  "manifest_unreadable",
  "results_short",
  "results_lost",
  "result_quarantined",
  "batch_foreign",
  "batch_duplicate",
  "batch_canceled",
  "departure_lost",
  "list_incomplete",
  "list_complete",
  "workspace_mismatch",
  "realtime_unknown",
  "realtime_refused",
  "deadline_fallback",
  "deadline_passed",
  "delivery_failed",
  "record_corrupt",
  "time_short",
  "tick_failed",
] as const;
export type LogCode = (typeof logCodes)[number];
export type LogFields = Record<string, string | number | boolean | undefined>;

export type Log = (code: LogCode, fields?: LogFields) => void;

/** Figures in aggregate, a tick or a call at a time, never one a session. The stack's alarms and its dashboard show these. */
export const metricNames = {
  oldestOpenBatchSeconds: "Seconds",
  settleLagSeconds: "Seconds",
  parkedLanes: "Count",
  undeliveredSeconds: "Seconds",
  quarantinedLines: "Count",
  lostResults: "Count",
  /** Turns that ended and were told of, and how: at least once each, as all telling is. */
  endedTurns: "Count",
  failedTurns: "Count",
  missedDeadlines: "Count",
  inFlightRequests: "Count",
  /** As the books have it, of this day in UTC; CloudWatch has no unit for dollars. */
  spentTodayUsd: "None",
  savedTodayUsd: "None",
} as const;
export type MetricName = keyof typeof metricNames;
export type Metrics = (values: Partial<Record<MetricName, number>>) => void;
