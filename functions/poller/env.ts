/** What the poller reads from its environment; `ANTHROPIC_BASE_URL` besides, where the API is somewhere else. */
export const environmentNames = [
  "OFFPEAK_TABLE",
  "OFFPEAK_BUCKET",
  "OFFPEAK_QUEUE_URLS",
  "OFFPEAK_CONFIG",
  "OFFPEAK_TICK_SECONDS",
  "OFFPEAK_API_KEY_SECRET",
  "OFFPEAK_RECONCILE_GRACE_SECONDS",
  "OFFPEAK_RETRY_SECONDS",
  "OFFPEAK_PARK_SECONDS",
  "OFFPEAK_EVENT_BUS",
  "OFFPEAK_METRIC_NAMESPACE",
] as const;
